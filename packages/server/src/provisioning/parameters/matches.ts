import { createContext, Script } from 'node:vm'

/** An expression that needs longer backtracks without end, and nothing else runs meanwhile. */
const LIMIT_MS = 100

const input: { source: string; value: string } = { source: '', value: '' }
const context = createContext(input)
const script = new Script('new RegExp(source).test(value)')

/**
 * Whether a value matches an expression of a template. The time is bounded, because both come from users.
 *
 * @throws Error when the expression cannot be read, or takes too long.
 */
export function matches(source: string, value: string): boolean {
  input.source = source
  input.value = value
  return script.runInContext(context, { timeout: LIMIT_MS }) === true
}
