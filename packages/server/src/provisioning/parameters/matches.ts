import { createContext, Script } from 'node:vm'

import { LinearRegExp, RegExpSyntaxError, StepBudget } from '../../linear-regexp/index.ts'

/** Enough for thirty steps with each character of the longest value; less than a tenth of a second. */
const STEPS = 3_000_000
/** What goes back and forth without end stops everything else for that long. */
const LIMIT_MS = 100

const input: { source: string; value: string } = { source: '', value: '' }
const context = createContext(input)
const script = new Script('new RegExp(source).test(value)')

/**
 * Whether a value matches an expression of a template, in the syntax of RE2 as other templates have it, or, where it looks
 * around or refers back, in that of JavaScript. The work is bounded, because both come from users.
 *
 * @throws Error when the expression cannot be read, or takes too long.
 */
export function matches(source: string, value: string): boolean {
  const linear = linearOf(source)
  // Counted in steps: a busy machine is no reason to refuse an expression that is good.
  if (linear !== undefined) return linear.matches(value, new StepBudget(STEPS))
  input.source = source
  input.value = value
  return script.runInContext(context, { timeout: LIMIT_MS }) === true
}

function linearOf(source: string): LinearRegExp | undefined {
  try {
    return new LinearRegExp(source)
  } catch (error) {
    if (error instanceof RegExpSyntaxError) return undefined
    throw error
  }
}
