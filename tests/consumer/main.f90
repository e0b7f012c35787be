! The Fortran module: load, names, rows and single rows, errors.
program main
  use, intrinsic :: iso_c_binding, only: c_double
  use closedform
  implicit none
  type(closedform_model) :: law, middle, bad
  character(len=:), allocatable :: folder
  character(len=200) :: message
  real(c_double) :: x(3, 2), value(2), gradient(3, 2), hessian(3, 3, 2), f, g(3), h(3, 3)
  integer :: length, status, failures = 0

  call get_command_argument(1, length=length)
  allocate (character(len=length) :: folder)
  call get_command_argument(1, folder)
  call law%load(folder // "/front.json")
  call check(law%inputs() == 3 .and. law%input_name(3) == "z" .and. law%input_name(4) == "", "names")
  call check(law%formula_count() == 3 .and. law%loss() == 1d-30, "facts of the front")
  call check(law%text() == "x*y/(z + 1.25) - 3.5e-07*sin(x)", "text")

  x(:, 1) = [1d0, 2d0, 3d0]
  x(:, 2) = [0.5d0, -1d0, 0.25d0]
  call law%evaluate(x, value, gradient, hessian)
  call check(abs(value(2) - (-0.5d0 / 1.5d0 - 3.5d-7 * sin(0.5d0))) < 1d-15, "value")
  call check(abs(gradient(2, 1) - 1d0 / 4.25d0) < 1d-15, "gradient")
  call check(abs(hessian(3, 2, 1) + 1d0 / 4.25d0**2) < 1d-15, "Hessian")
  call law%evaluate(x(:, 2), f, g, h)
  call check(f == value(2) .and. all(g == gradient(:, 2)) .and. all(h == hessian(:, :, 2)), "a row")
  call law%evaluate(x, gradient=gradient, threads=2)
  call law%choose(2, middle)
  call check(middle%text() == "exp(-x) + 0.1", "another formula of the front")

  call bad%load(folder // "/none.json", status, message)
  call check(status /= closedform_ok .and. index(message, "none.json: cannot be read") > 0, "no file")
  call law%evaluate(x(1:2, :), value, status=status, message=message)
  call check(status /= closedform_ok .and. index(message, "shapes") > 0, "wrong shapes")
  call law%choose(4, bad, status)
  call check(status /= closedform_ok, "no fourth formula")
  call what_is_not_loaded()
  call files_that_are_none()
  call sizes_and_numbers()
  print "(a, i0, a)", "from Fortran: ", failures, " failures"
  deallocate (folder)
  if (failures > 0) error stop

contains

  subroutine what_is_not_loaded()
    type(closedform_model) :: empty, other
    real(c_double) :: none(0, 2), nothing(0, 0), rows(3, 2), values(2)
    integer :: code
    character(len=200) :: said

    call check(empty%inputs() == 0 .and. empty%formula_count() == 0, "nothing has no sizes")
    call check(empty%text() == "" .and. empty%input_name(1) == "", "nothing has no texts")
    call check(empty%loss() /= empty%loss(), "nothing has no loss")
    call empty%evaluate(none, values, status=code, message=said)
    call check(code /= closedform_ok .and. said == "model: is null", "nothing has no values")
    call empty%evaluate(nothing, status=code, message=said)
    call check(code /= closedform_ok .and. said == "model: is null", "nor for no rows")
    call empty%evaluate(rows, values, status=code, message=said)
    call check(code /= closedform_ok .and. index(said, "shapes") > 0, "nor for three inputs")
    call empty%choose(1, other, code, said)
    call check(code /= closedform_ok .and. said == "model: is null", "nothing to choose from")
  end subroutine

  subroutine files_that_are_none()
    type(closedform_model) :: model
    character(len=20000) :: long
    character(len=200) :: said
    character(len=4) :: short
    character(len=0) :: silent
    integer :: code

    long = repeat("a", len(long))
    call model%load("", code, said)
    call check(code /= closedform_ok .and. index(said, "cannot be read") > 0, "no path")
    call model%load("   ", code, said)
    call check(code /= closedform_ok, "a path of blanks")
    call model%load(folder, code, said)
    call check(code /= closedform_ok .and. index(said, "cannot be read") > 0, "a folder")
    call model%load(long, code, said)
    call check(code /= closedform_ok .and. said(1:3) == "aaa", "a path that is too long")
    call model%load(folder // "/front.txt", code, said)
    call check(code /= closedform_ok .and. index(said, "is neither a saved") > 0, "another file")
    call model%load(folder // "/none.json", code, short)
    call check(code /= closedform_ok .and. short == folder(1:4), "little room for a message")
    call model%load(folder // "/none.json", code, silent)
    call check(code /= closedform_ok, "no room for a message")
    call model%load(folder // "/front.json   ", code, said)
    call check(code == closedform_ok .and. said == "" .and. model%inputs() == 3, "blanks behind")
    call model%load(folder // "/one_input.npz", code)
    call check(code == closedform_ok .and. model%inputs() == 1, "another model in its place")
    call check(model%text() == "" .and. model%formula_count() == 0, "a surrogate has no formulas")
    call model%load(folder // "/none.json", code)
    call check(code /= closedform_ok .and. model%inputs() == 0, "a load that fails leaves nothing")
  end subroutine

  subroutine sizes_and_numbers()
    type(closedform_model) :: model, chosen
    real(c_double) :: rows(3, 4), none(3, 0), values(4), slopes(3, 4), curves(3, 3, 4)
    real(c_double) :: no_values(0), no_slopes(3, 0), no_curves(3, 3, 0)
    integer :: code, i
    integer, parameter :: wrong(4) = [0, -1, -huge(1) - 1, huge(1)]
    character(len=200) :: said

    rows = 0.5d0
    call model%load(folder // "/front.json")
    do i = 1, size(wrong)
      call check(model%input_name(wrong(i)) == "", "no such input")
      call model%choose(wrong(i), chosen, code, said)
      call check(code /= closedform_ok .and. index(said, "no such formula") > 0, "no such formula")
    end do
    call model%evaluate(none, no_values, no_slopes, no_curves, status=code, message=said)
    call check(code == closedform_ok .and. said == "", "no rows")
    call model%evaluate(rows, no_values, status=code)
    call check(code /= closedform_ok, "no room for values")
    call model%evaluate(rows, values, slopes(:, 1:3), status=code)
    call check(code /= closedform_ok, "no room for a gradient")
    call model%evaluate(rows, values, slopes, curves(:, 1:2, :), status=code)
    call check(code /= closedform_ok, "no room for a Hessian")
    call model%evaluate(rows, status=code, message=said)
    call check(code /= closedform_ok .and. index(said, "are all null") > 0, "nothing asked for")
    call model%evaluate(rows(2:1, 1), values(1), status=code)
    call check(code /= closedform_ok, "a row of no inputs")
    call model%evaluate(rows, values, slopes, curves, threads=-5, status=code)
    call check(code == closedform_ok .and. all(abs(values) < 1d3), "fewer threads than none")
    call model%evaluate(rows, values, threads=huge(1), status=code)
    call check(code == closedform_ok .and. all(abs(values) < 1d3), "as many threads as there are")
    call model%choose(2, model, code)
    call check(code == closedform_ok .and. model%text() == "exp(-x) + 0.1", "chosen in its place")
  end subroutine

  subroutine check(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what
    if (.not. holds) then
      print "(2a)", "failed: ", what
      failures = failures + 1
    end if
  end subroutine
end program main
