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

/** What went wrong, as lines for stderr. */
export function explain(error: unknown): string {
  if (error instanceof CommandError) return `error: ${error.message}\n`
  if (error instanceof ConnectionFailure)
    return `error: ${error.message}: is the server running? Name another one with \`slipway login <url>\`\n`
  if (error instanceof ApiFailure) {
    const lines = [`error: ${error.message}`]
    if (error.detail !== undefined) lines.push(`  ${error.detail}`)
    for (const { field, detail } of error.validations) lines.push(`  ${field}: ${detail}`)
    if (error.status === 401) lines.push('  Sign in with `slipway login`.')
    return `${lines.join('\n')}\n`
  }
  return `error: ${error instanceof Error ? error.message : String(error)}\n`
}
