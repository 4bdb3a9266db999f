import type { Registry } from 'prom-client'

import type { AppearanceSettings } from '@slipway/contract'
import type { Logger } from '@slipway/request-log'
import type { BuildMetrics } from './build-metrics/index.ts'
import type { Config, Configuration } from './config/index.ts'
import type { ChangeEvent, Database, Db } from './database/index.ts'
import type { CookiePolicy } from './edge/index.ts'
import type { Outbound } from './outbound/index.ts'
import type { DeploymentSecrets } from './secrets/index.ts'

/** Where the current time comes from, so that tests can move it. */
export interface Clock {
  now(): Date
}

/** How the deployment looks, as it is stored (OP-154). */
export interface KnownAppearance {
  /** The same object until it changes. */
  readonly current: AppearanceSettings
  /** What the product is called here. */
  readonly applicationName: string
  /** Reads it again now. */
  refresh(): Promise<void>
}

/** Passwords that an operator may change while the server runs (OP-15). */
export interface Passwords {
  /** Another object once they have been read again. */
  current: { readonly mail: string }
}

/** Everything that use cases share; made once in `server.ts`. */
export interface AppContext {
  readonly config: Config
  /** Where each value of the configuration came from. */
  readonly configSources: Configuration['sources']
  readonly database: Database
  readonly appearance: KnownAppearance
  readonly log: Logger
  /** Series of everything but requests, which are counted by hand. */
  readonly metrics: Registry
  readonly buildMetrics: BuildMetrics
  readonly clock: Clock
  readonly cookies: CookiePolicy
  readonly version: string
  readonly deploymentId: string
  /** This process among the replicas. */
  readonly replicaId: string
  readonly secrets: DeploymentSecrets
  readonly passwords: Passwords
  /** The way to identity and Git providers. */
  readonly outbound: Outbound
  /** URL under which clients and agents reach this server; known once it listens. */
  readonly accessUrl: () => string
}

// Use cases pass transactions on and hear of changes, but only stores speak SQL.
export type { ChangeEvent, Database, Db }
