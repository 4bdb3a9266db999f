import type { SecondFactorEnrolmentRequired, SecondFactorRequired } from '@slipway/contract'
import { ApiError } from '../api/http.ts'

/** What a right password is followed by, of an account that has a second factor or must have one. */
export type NextStep =
  | { readonly kind: 'prove'; readonly email: string; readonly required: SecondFactorRequired }
  | { readonly kind: 'enrol'; readonly email: string; readonly challengeId: string }

/** The next step that a refused sign-in names; undefined when it was refused for good. */
export function nextStepOf(error: unknown, email: string): NextStep | undefined {
  if (!(error instanceof ApiError) || error.status !== 403) return undefined
  const { body } = error
  if (typeof body !== 'object' || body === null) return undefined
  if ('second_factor_required' in body && isRequired(body.second_factor_required))
    return { kind: 'prove', email, required: body.second_factor_required }
  if ('second_factor_enrolment_required' in body && hasChallenge(body.second_factor_enrolment_required))
    return { kind: 'enrol', email, challengeId: body.second_factor_enrolment_required.challenge_id }
  return undefined
}

function hasChallenge(value: unknown): value is SecondFactorEnrolmentRequired {
  return (
    typeof value === 'object' &&
    value !== null &&
    'challenge_id' in value &&
    typeof value.challenge_id === 'string'
  )
}

function isRequired(value: unknown): value is SecondFactorRequired {
  return hasChallenge(value) && 'methods' in value && Array.isArray(value.methods)
}
