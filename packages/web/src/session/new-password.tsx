import { useState } from 'react'

import { fieldError } from '../api/errors.ts'
import { Field, PasswordInput } from '../ui/form.tsx'
import { PasswordMeter, usePasswordStrength } from './password-strength.tsx'

/** State of a new password that is typed twice. */
export interface NewPassword {
  readonly password: string
  readonly repeated: string
  /** What is wrong with either, once that may be said. */
  readonly fault: string | undefined
  readonly mismatch: string | undefined
  readonly setPassword: (password: string) => void
  readonly setRepeated: (repeated: string) => void
  readonly leave: () => void
  /** Whether it may be sent; shows what is wrong from now on. */
  readonly check: () => boolean
}

/** A new password as the server's rules and its repetition have it (UI-605). */
export function useNewPassword(): NewPassword {
  const [password, setPassword] = useState('')
  const [repeated, setRepeated] = useState('')
  const [left, setLeft] = useState(false)
  const [checked, setChecked] = useState(false)
  const strength = usePasswordStrength(password, left)
  const fault = left && strength.data?.valid === false ? strength.data.details : undefined
  const differs = repeated !== password
  const mismatch =
    differs && (checked || (left && repeated !== '')) ? 'The passwords do not match.' : undefined
  return {
    password,
    repeated,
    fault,
    mismatch,
    setPassword: (next) => {
      setPassword(next)
      setLeft(false)
      setChecked(false)
    },
    setRepeated: (next) => {
      setRepeated(next)
      setChecked(false)
    },
    leave: () => setLeft(true),
    check: () => {
      setLeft(true)
      setChecked(true)
      return !differs && fault === undefined
    },
  }
}

/** The two fields of a {@link NewPassword}. */
export function NewPasswordFields({
  value,
  error,
  autoFocus = false,
}: {
  readonly value: NewPassword
  readonly error: unknown
  readonly autoFocus?: boolean
}) {
  return (
    <>
      <Field
        label="New password"
        error={fieldError(error, 'password') ?? value.fault}
        help={<PasswordMeter password={value.password} />}
      >
        {(field) => (
          <PasswordInput
            {...field}
            autoComplete="new-password"
            autoFocus={autoFocus}
            required
            value={value.password}
            onChange={(event) => value.setPassword(event.target.value)}
            onBlur={value.leave}
          />
        )}
      </Field>
      <Field label="Repeat the new password" error={value.mismatch}>
        {(field) => (
          <PasswordInput
            {...field}
            autoComplete="new-password"
            required
            value={value.repeated}
            onChange={(event) => value.setRepeated(event.target.value)}
            onBlur={value.leave}
          />
        )}
      </Field>
    </>
  )
}
