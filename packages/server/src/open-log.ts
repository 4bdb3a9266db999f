import { createLogger, LogDestinations, type Logger } from '@slipway/request-log'
import type { Config } from './config/index.ts'
import { LinearRegExp, StepBudget, StepBudgetExceeded } from './linear-regexp/index.ts'

/** For all patterns and one message. */
const STEPS = 100_000

/** The log of a server, which ends with it. */
export interface ServerLog extends Disposable {
  readonly log: Logger
  /** Opens its files anew, for whoever has moved them away (OP-15); one that cannot be opened is written on. */
  reopen(): void
}

/**
 * Opens the log where the settings want it (OP-97). Details are written where a filter takes their message (OP-98).
 *
 * @throws Error naming the file that cannot be opened.
 */
export function openLog(
  config: Pick<Config, 'logHuman' | 'logJson' | 'logStackdriver' | 'logFilter'>,
): ServerLog {
  const targets = { human: config.logHuman, json: config.logJson, stackdriver: config.logStackdriver }
  const sink = new LogDestinations(targets, passesOf(config.logFilter))
  return {
    // Without a filter nobody sees details, and none are made.
    log: createLogger({ level: config.logFilter.length === 0 ? 'info' : 'debug', sink }),
    reopen: () => sink.reopen(),
    [Symbol.dispose]: () => sink[Symbol.dispose](),
  }
}

function passesOf(filters: readonly string[]): (message: string) => boolean {
  if (filters.includes('.*')) return () => true
  const patterns = filters.map((filter) => new LinearRegExp(filter))
  return (message) => {
    const budget = new StepBudget(STEPS)
    try {
      return patterns.some((pattern) => pattern.matches(message, budget))
    } catch (error) {
      // Better a line too many than one that somebody looks for.
      if (error instanceof StepBudgetExceeded) return true
      throw error
    }
  }
}
