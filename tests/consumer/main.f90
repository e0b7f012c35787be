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
  print "(a, i0, a)", "from Fortran: ", failures, " failures"
  deallocate (folder)
  if (failures > 0) error stop

contains

  subroutine check(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what
    if (.not. holds) then
      print "(2a)", "failed: ", what
      failures = failures + 1
    end if
  end subroutine
end program main
