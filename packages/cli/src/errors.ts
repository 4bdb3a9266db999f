import { inspect } from 'node:util'

import { ApiFailure, ConnectionFailure } from '@slipway/client'

/** A failure whose message is meant for the person at the keyboard; says what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Somebody said no, or interrupted a question: the command ends with 1 and without a word (OP-186). */
export class Declined extends CommandError {
  constructor() {
    super('nothing was done')
  }
}

/** What a request brings. @throws CommandError with `missing` where the answer is 404, which does not say of what. */
export async function unlessMissing<Answer>(request: Promise<Answer>, missing: string): Promise<Answer> {
  try {
    return await request
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) throw new CommandError(missing)
    throw error
  }
}

/** What went wrong, as lines for stderr; `trace` adds where (OP-186). */
export function explain(error: unknown, trace = false): string {
  if (error instanceof Declined) return ''
  if (!trace) return messageOf(error)
  return `${messageOf(error)}${inspect(error)}\n`
}

function remedyFor(reason: string): string {
  if (/self.signed|certificate|issuer/i.test(reason))
    return 'name the authority that its certificate is signed by with --client-tls-ca-file'
  if (reason === 'it does not speak TLS there') return 'write http:// instead of https://'
  if (reason.startsWith('it sends requests on')) return 'use the address it names'
  return 'is the server running? Name another one with `slipway login <url>`'
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError) return `error: ${error.message}\n`
  if (error instanceof ConnectionFailure) {
    const reason = error.reason === '' ? '' : ` (${error.reason})`
    return `error: ${error.message}${reason}: ${remedyFor(error.reason)}\n`
  }
  if (error instanceof ApiFailure) {
    const lines = [`error: ${error.message}`]
    // Of a request with one fault it is what its field is told.
    const told = error.validations.some(({ detail }) => detail === error.detail)
    if (error.detail !== undefined && !told) lines.push(`  ${error.detail}`)
    for (const { field, detail } of error.validations) lines.push(`  ${field}: ${detail}`)
    if (error.status === 401) lines.push('  Sign in with `slipway login`.')
    return `${lines.join('\n')}\n`
  }
  return `error: ${error instanceof Error ? error.message : String(error)}\n`
}
