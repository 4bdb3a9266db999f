import { Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Authorization'
const Email = Type.String({ minLength: 1, maxLength: 254 })

/** Answers 204 whether there is such an account or not (ID-35). */
export const requestOneTimePasscode = route('POST /api/v2/users/otp/request', {
  id: 'request-one-time-passcode',
  tag,
  security: 'none',
  body: Type.Object({ email: Email }),
  responses: { 204: null },
})

export const changePasswordWithOneTimePasscode = route('POST /api/v2/users/otp/change-password', {
  id: 'change-password-with-a-one-time-passcode',
  tag,
  security: 'none',
  body: Type.Object({
    email: Email,
    one_time_passcode: Type.String({ minLength: 1, maxLength: 128 }),
    password: Type.String({ minLength: 1, maxLength: 1024 }),
  }),
  responses: { 204: null },
})
