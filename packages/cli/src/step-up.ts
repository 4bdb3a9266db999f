import { ApiFailure, type Client } from '@slipway/client'
import { stepUp } from '@slipway/contract'
import { CommandError } from './errors.ts'
import { askSecret, interactive } from './prompt.ts'

const TRIES = 3
const SIGN_IN = 'sign in again with `slipway login`'

/**
 * Has somebody at the terminal prove that the session is theirs (L-32), with what can be typed: a passkey cannot. All is
 * asked on stderr, so that stdout holds nothing but what the command prints.
 *
 * @throws CommandError when nobody can be asked or nothing can be typed, ApiFailure after three wrong proofs, Declined.
 */
export async function proveIdentity(call: Client['call'], methods: readonly string[]): Promise<void> {
  const question = questionFor(methods)
  if (question === undefined)
    throw new CommandError(`this needs a fresh proof that it is you, which a passkey gives: ${SIGN_IN}`)
  if (!interactive(process.stderr))
    throw new CommandError(
      `this needs a fresh proof that it is you, and there is no terminal to ask on: ${SIGN_IN}`,
    )
  for (let left = TRIES - 1; ; left -= 1) {
    const answer = (await askSecret(question, 'a proof', process.stderr)).trim()
    try {
      await call(stepUp, { params: { user: 'me' }, body: proofIn(answer, methods) })
      return
    } catch (error) {
      if (!(error instanceof ApiFailure && error.status === 400 && left > 0)) throw error
      process.stderr.write(`${error.message}\n`)
    }
  }
}

function questionFor(methods: readonly string[]): string | undefined {
  if (methods.includes('totp'))
    return methods.includes('recovery_code')
      ? 'Code of your authenticator app, or a recovery code'
      : 'Code of your authenticator app'
  if (methods.includes('recovery_code')) return 'One of your recovery codes'
  return methods.includes('password') ? 'Your password' : undefined
}

function proofIn(answer: string, methods: readonly string[]) {
  const digits = answer.replaceAll(' ', '')
  if (methods.includes('totp') && (/^\d{6,8}$/.test(digits) || !methods.includes('recovery_code')))
    return { totp_code: digits }
  return methods.includes('recovery_code') ? { recovery_code: answer } : { password: answer }
}
