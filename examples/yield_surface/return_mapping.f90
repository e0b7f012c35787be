! Strains a material point, and returns its stress to the yield surface that export.py found.
!
! Implicit return mapping in principal stresses s for an elastic, perfectly plastic material with
! associated flow. For a trial stress outside the surface, the unknowns (s, m) solve
!
!    s - s_trial + m C grad F(s) = 0,   F(s) = 0
!
! (Simo and Hughes, Computational Inelasticity, Springer 1998, chapter 3). Newton's matrix holds the
! Hessian of F: with it convergence is quadratic, which is asserted at every step.
program return_mapping
   use, intrinsic :: iso_fortran_env, only: real64
   use yield_function_module, only: yield_function
   implicit none

   real(real64), parameter :: young = 2.0e4_real64, poisson = 0.3_real64   ! kPa
   real(real64), parameter :: pressure = 100.0_real64
   ! Strain of a step, compression positive: axial shortening, the sides held, one more than the other.
   real(real64), parameter :: strain_step(3) = [1.0e-3_real64, -3.5e-4_real64, -5.5e-4_real64]
   ! tan(30 degrees)^2 = 1/3 in I1 I2 / I3 = 9 + 8 tan(friction)^2: what the found surface must be.
   real(real64), parameter :: surface = 9 + 8/3.0_real64
   real(real64), parameter :: converged = 1.0e-12_real64, rounding = 1.0e-13_real64
   integer, parameter :: steps = 12, most = 20

   real(real64) :: stiffness(3, 3), stress(3), trial(3), residuals(0:most)
   real(real64) :: value, gradient(3), hessian(3, 3), ratio
   integer :: step, count, plastic_steps, without

   stiffness = young*poisson/((1 + poisson)*(1 - 2*poisson))
   do step = 1, 3
      stiffness(step, step) = stiffness(step, step) + young/(1 + poisson)
   end do
   stress = pressure
   plastic_steps = 0
   do step = 1, steps
      trial = stress + matmul(stiffness, strain_step)
      call yield_function(trial(1), trial(2), trial(3), value, gradient, hessian)
      if (value <= 0) then
         stress = trial
         print '("step ", i0, ": elastic")', step
         cycle
      end if
      plastic_steps = plastic_steps + 1
      call return_to_surface(trial, .false., stress, residuals, without)
      call return_to_surface(trial, .true., stress, residuals, count)
      print '("step ", i0, ": residuals ", *(es9.1))', step, residuals(:count)
      call assert_quadratic(residuals(:count))
      if (without <= count) error stop "the Hessian is of no use: nothing was tested"
      print '("        without the Hessian: ", i0, " iterations")', without
      ratio = (stress(1) + stress(2) + stress(3)) &
         *(stress(1)*stress(2) + stress(2)*stress(3) + stress(3)*stress(1))/product(stress)
      if (.not. abs(ratio/surface - 1) < 1.0e-6_real64) error stop "the stress is off the surface"
   end do
   if (plastic_steps < 3) error stop "hardly a plastic step: nothing was tested"
   print '("stress ", 3(f9.3), " kPa, I1 I2 / I3 = ", f12.9)', stress, ratio

contains

   ! Newton's iteration from the trial stress. residuals(k) is the norm after k iterations, relative to
   ! the trial stress; F is divided by the length of its gradient there, which makes it a stress.
   subroutine return_to_surface(trial, with_hessian, stress, residuals, count)
      real(real64), intent(in) :: trial(3)
      logical, intent(in) :: with_hessian
      real(real64), intent(out) :: stress(3), residuals(0:)
      integer, intent(out) :: count
      real(real64) :: value, gradient(3), hessian(3, 3), size, slope, multiplier
      real(real64) :: residual(4), matrix(4, 4), change(4)
      integer :: i

      size = norm2(trial)
      call yield_function(trial(1), trial(2), trial(3), value, gradient, hessian)
      slope = norm2(gradient)
      stress = trial
      multiplier = 0
      do count = 0, ubound(residuals, 1)
         call yield_function(stress(1), stress(2), stress(3), value, gradient, hessian)
         value = value/slope
         gradient = gradient/slope
         hessian = hessian/slope
         residual(:3) = stress - trial + multiplier*matmul(stiffness, gradient)
         residual(4) = value
         residuals(count) = norm2(residual)/size
         if (residuals(count) < converged) return
         if (count == ubound(residuals, 1)) exit
         matrix = 0
         if (with_hessian) matrix(:3, :3) = multiplier*matmul(stiffness, hessian)
         do i = 1, 3
            matrix(i, i) = matrix(i, i) + 1
         end do
         matrix(:3, 4) = matmul(stiffness, gradient)
         matrix(4, :3) = gradient
         change = solution(matrix, -residual)
         stress = stress + change(:3)
         multiplier = multiplier + change(4)
      end do
      if (with_hessian) error stop "no convergence"
   end subroutine return_to_surface

   ! Each residual is at most a constant times the square of the one before, down to rounding. The
   ! first says nothing: at the trial stress three of the four equations hold, however far it is.
   subroutine assert_quadratic(residuals)
      real(real64), intent(in) :: residuals(0:)
      real(real64), parameter :: factor = 10
      integer :: k, telling

      telling = 0
      do k = 2, ubound(residuals, 1)
         if (residuals(k) > max(factor*residuals(k - 1)**2, rounding)) then
            error stop "convergence is not quadratic"
         end if
         if (factor*residuals(k - 1) < 0.1_real64) telling = telling + 1
      end do
      if (telling < 2) error stop "too few iterations to tell: nothing was tested"
   end subroutine assert_quadratic

   ! matrix*x = right by Gaussian elimination with pivots from the column.
   pure function solution(matrix, right) result(x)
      real(real64), intent(in) :: matrix(4, 4), right(4)
      real(real64) :: x(4), a(4, 5), row(5)
      integer :: i, j, pivot

      a(:, :4) = matrix
      a(:, 5) = right
      do i = 1, 4
         pivot = i - 1 + maxloc(abs(a(i:, i)), dim=1)
         row = a(pivot, :)
         a(pivot, :) = a(i, :)
         a(i, :) = row/row(i)
         do j = 1, 4
            if (j /= i) a(j, :) = a(j, :) - a(j, i)*a(i, :)
         end do
      end do
      x = a(:, 5)
   end function solution

end program return_mapping
