! Surrogates and formulas that Python saved, as functions with exact derivatives, in Fortran: a module
! over the C interface (closedform/c_api.h says what everything means).
!
!     use closedform
!     type(closedform_model) :: law
!     call law%load("law.json", status, message)
!     call law%evaluate(x, value, gradient, hessian)      ! x(inputs, rows), or x(inputs) for one row
!
! Arrays run as Fortran's do: the inputs of one row lie side by side, rows are the last index.
! A model may be used by many threads at once; it frees itself. It can be passed on, not assigned.
module closedform
  use, intrinsic :: iso_c_binding
  implicit none
  private
  public :: closedform_model, closedform_c_api_version, closedform_ok

  integer, parameter :: closedform_ok = 0

  type, bind(c) :: closedform_error
    character(kind=c_char) :: message(512)
  end type

  type :: closedform_model
    private
    type(c_ptr) :: handle = c_null_ptr
  contains
    procedure :: load
    procedure :: choose
    procedure :: inputs
    procedure :: input_name
    procedure :: formula_count
    procedure :: text
    procedure :: loss
    procedure, private :: evaluate_rows
    procedure, private :: evaluate_row
    generic :: evaluate => evaluate_rows, evaluate_row
    procedure, private :: assign
    generic :: assignment(=) => assign
    final :: free
  end type

  interface
    integer(c_int) function closedform_c_api_version() bind(c)
      import :: c_int
    end function

    integer(c_int) function c_load(path, model, error) bind(c, name="closedform_load")
      import :: c_int, c_char, c_ptr, closedform_error
      character(kind=c_char), intent(in) :: path(*)
      type(c_ptr), intent(out) :: model
      type(closedform_error), intent(out) :: error
    end function

    integer(c_int) function c_choose(model, index, formula, error) bind(c, name="closedform_choose")
      import :: c_int, c_size_t, c_ptr, closedform_error
      type(c_ptr), value :: model
      integer(c_size_t), value :: index
      type(c_ptr), intent(out) :: formula
      type(closedform_error), intent(out) :: error
    end function

    subroutine c_free(model) bind(c, name="closedform_free")
      import :: c_ptr
      type(c_ptr), value :: model
    end subroutine

    integer(c_size_t) function c_inputs(model) bind(c, name="closedform_inputs")
      import :: c_size_t, c_ptr
      type(c_ptr), value :: model
    end function

    integer(c_size_t) function c_formula_count(model) bind(c, name="closedform_formula_count")
      import :: c_size_t, c_ptr
      type(c_ptr), value :: model
    end function

    type(c_ptr) function c_input_name(model, input) bind(c, name="closedform_input_name")
      import :: c_size_t, c_ptr
      type(c_ptr), value :: model
      integer(c_size_t), value :: input
    end function

    type(c_ptr) function c_text(model) bind(c, name="closedform_text")
      import :: c_ptr
      type(c_ptr), value :: model
    end function

    real(c_double) function c_loss(model) bind(c, name="closedform_loss")
      import :: c_double, c_ptr
      type(c_ptr), value :: model
    end function

    integer(c_int) function c_evaluate(model, rows, row_count, threads, value, gradient, hessian, &
                                       error) bind(c, name="closedform_evaluate")
      import :: c_int, c_size_t, c_double, c_ptr, closedform_error
      type(c_ptr), value :: model
      real(c_double), intent(in) :: rows(*)
      integer(c_size_t), value :: row_count
      integer(c_int), value :: threads  ! unsigned in C; the same bits for 0 and above
      type(c_ptr), value :: value, gradient, hessian
      type(closedform_error), intent(out) :: error
    end function

    integer(c_size_t) function c_strlen(text) bind(c, name="strlen")
      import :: c_size_t, c_ptr
      type(c_ptr), value :: text
    end function
  end interface

contains

  ! Reads a saved surrogate or front. Without `status` a failure stops the program.
  subroutine load(self, path, status, message)
    class(closedform_model), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: status
    character(len=*), intent(out), optional :: message
    type(closedform_error) :: error
    integer :: code

    call c_free(self%handle)
    code = c_load(zero_ended(path), self%handle, error)
    call report(code, error, status, message)
  end subroutine

  ! Makes `formula` the index-th of the front, 1 to formula_count().
  subroutine choose(self, index, formula, status, message)
    class(closedform_model), intent(in) :: self
    integer, intent(in) :: index
    type(closedform_model), intent(inout) :: formula
    integer, intent(out), optional :: status
    character(len=*), intent(out), optional :: message
    type(closedform_error) :: error
    type(c_ptr) :: chosen
    integer :: code

    code = c_choose(self%handle, int(index, c_size_t) - 1_c_size_t, chosen, error)
    call c_free(formula%handle)  ! only now: it may be the front itself
    formula%handle = chosen
    call report(code, error, status, message)
  end subroutine

  integer function inputs(self)
    class(closedform_model), intent(in) :: self
    inputs = int(c_inputs(self%handle))
  end function

  ! Name of an input, 1 to inputs(); empty for another number.
  function input_name(self, input) result(name)
    class(closedform_model), intent(in) :: self
    integer, intent(in) :: input
    character(len=:), allocatable :: name
    name = from_c(c_input_name(self%handle, int(input, c_size_t) - 1_c_size_t))
  end function

  integer function formula_count(self)
    class(closedform_model), intent(in) :: self
    formula_count = int(c_formula_count(self%handle))
  end function

  function text(self)
    class(closedform_model), intent(in) :: self
    character(len=:), allocatable :: text
    text = from_c(c_text(self%handle))
  end function

  real(c_double) function loss(self)
    class(closedform_model), intent(in) :: self
    loss = c_loss(self%handle)
  end function

  ! value(rows), gradient(inputs, rows), hessian(inputs, inputs, rows) at x(inputs, rows); at least
  ! one of them. threads: 0 for all cores (the default). Without `status` a failure stops the program.
  subroutine evaluate_rows(self, x, value, gradient, hessian, threads, status, message)
    class(closedform_model), intent(in) :: self
    real(c_double), intent(in), contiguous :: x(:, :)
    real(c_double), intent(out), contiguous, optional, target :: value(:), gradient(:, :), &
                                                                 hessian(:, :, :)
    integer, intent(in), optional :: threads
    integer, intent(out), optional :: status
    character(len=*), intent(out), optional :: message
    type(closedform_error) :: error
    type(c_ptr) :: to_value, to_gradient, to_hessian
    integer(c_size_t) :: n, rows
    integer :: code
    logical :: fit

    n = c_inputs(self%handle)
    rows = size(x, 2, c_size_t)
    fit = size(x, 1, c_size_t) == n
    if (present(value)) fit = fit .and. size(value, kind=c_size_t) == rows
    if (present(gradient)) fit = fit .and. all(shape(gradient, c_size_t) == [n, rows])
    if (present(hessian)) fit = fit .and. all(shape(hessian, c_size_t) == [n, n, rows])
    if (fit .and. rows == 0 .and. c_associated(self%handle)) then  ! no memory to point to
      code = closedform_ok
    else if (fit) then
      to_value = c_null_ptr
      to_gradient = c_null_ptr
      to_hessian = c_null_ptr
      if (present(value)) to_value = c_loc(value)
      if (present(gradient)) to_gradient = c_loc(gradient)
      if (present(hessian)) to_hessian = c_loc(hessian)
      code = 0
      if (present(threads)) code = max(threads, 0)
      code = c_evaluate(self%handle, x, rows, int(code, c_int), to_value, &
                        to_gradient, to_hessian, error)
    else
      code = 1
      error%message = to_c("x, value, gradient, hessian: shapes do not fit the model's inputs")
    end if
    call report(code, error, status, message)
  end subroutine

  ! The same for one row.
  subroutine evaluate_row(self, x, value, gradient, hessian, status, message)
    class(closedform_model), intent(in) :: self
    real(c_double), intent(in), contiguous :: x(:)
    real(c_double), intent(out), optional, target :: value
    real(c_double), intent(out), contiguous, optional, target :: gradient(:), hessian(:, :)
    integer, intent(out), optional :: status
    character(len=*), intent(out), optional :: message
    type(closedform_error) :: error
    type(c_ptr) :: to_value, to_gradient, to_hessian
    integer :: n, code
    logical :: fit

    n = self%inputs()
    fit = size(x) == n
    if (present(gradient)) fit = fit .and. size(gradient) == n
    if (present(hessian)) fit = fit .and. all(shape(hessian) == [n, n])
    if (fit) then
      to_value = c_null_ptr
      to_gradient = c_null_ptr
      to_hessian = c_null_ptr
      if (present(value)) to_value = c_loc(value)
      if (present(gradient)) to_gradient = c_loc(gradient)
      if (present(hessian)) to_hessian = c_loc(hessian)
      code = c_evaluate(self%handle, x, 1_c_size_t, 1_c_int, to_value, to_gradient, to_hessian, &
                        error)
    else
      code = 1
      error%message = to_c("x, gradient, hessian: shapes do not fit the model's inputs")
    end if
    call report(code, error, status, message)
  end subroutine

  ! A copy would be freed twice.
  subroutine assign(self, other)
    class(closedform_model), intent(inout) :: self
    class(closedform_model), intent(in) :: other
    if (.not. c_associated(self%handle, other%handle)) then
      error stop "closedform: a model cannot be assigned; load it, or choose from a front"
    end if
  end subroutine

  subroutine free(self)
    type(closedform_model), intent(inout) :: self
    call c_free(self%handle)
    self%handle = c_null_ptr
  end subroutine

  subroutine report(code, error, status, message)
    integer, intent(in) :: code
    type(closedform_error), target, intent(in) :: error
    integer, intent(out), optional :: status
    character(len=*), intent(out), optional :: message
    character(len=:), allocatable :: said

    said = ""
    if (code /= closedform_ok) said = from_c(c_loc(error))
    if (present(message)) message = said
    if (present(status)) then
      status = code
    else if (code /= closedform_ok) then
      error stop "closedform: " // said
    end if
  end subroutine

  function from_c(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer(c_size_t) :: i

    if (.not. c_associated(pointer)) then
      text = ""
      return
    end if
    call c_f_pointer(pointer, letters, [c_strlen(pointer)])
    allocate (character(len=size(letters)) :: text)
    do i = 1, size(letters)
      text(i:i) = letters(i)
    end do
  end function

  pure function to_c(text) result(letters)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: letters(512)
    integer :: i

    letters = c_null_char
    do i = 1, min(len(text), 511)
      letters(i) = text(i:i)
    end do
  end function

  pure function zero_ended(text) result(letters)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: letters(len_trim(text) + 1)
    integer :: i

    do i = 1, len_trim(text)
      letters(i) = text(i:i)
    end do
    letters(len_trim(text) + 1) = c_null_char
  end function

end module closedform
