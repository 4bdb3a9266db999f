import type { Logger } from '@slipway/request-log'
import type { Config } from './config/index.ts'
import type { Database } from './database/index.ts'
import type { CookiePolicy } from './edge/index.ts'

/** Where the current time comes from, so that tests can move it. */
export interface Clock {
  now(): Date
}

/** Everything that use cases share; made once in `server.ts`. */
export interface AppContext {
  readonly config: Config
  readonly database: Database
  readonly log: Logger
  readonly clock: Clock
  readonly cookies: CookiePolicy
  readonly version: string
  readonly deploymentId: string
}
