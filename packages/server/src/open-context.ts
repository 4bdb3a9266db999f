import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import { Registry } from 'prom-client'

import type { Logger } from '@slipway/request-log'
import { Appearance } from './appearance/index.ts'
import { systemActor } from './authz/index.ts'
import { BuildMetrics } from './build-metrics/index.ts'
import type { Config, Configuration } from './config/index.ts'
import type { AppContext, Clock } from './context.ts'
import { Database, type Migration, migrateSchema, startEmbedded } from './database/index.ts'
import { ensureDeploymentId } from './deployment/index.ts'
import { chargeCurrentWork, currentRequest } from './edge/index.ts'
import { checkKnownKeys } from './encryption/index.ts'
import { ensureDefaultOrganization } from './identity/index.ts'
import { reconcileSystemRoles } from './organizations/index.ts'
import { Outbound } from './outbound/index.ts'
import { registerCpuTime } from './profile-labels/index.ts'
import { ensureSecret, loadDeploymentSecrets } from './secrets/index.ts'

/** Folder of local state: the option, else a folder that the account may use (OP-40). */
export function configDirectory(config: Config): string {
  if (config.configDir !== '') return path.resolve(config.configDir)
  // The embedded database of root runs under another account, which cannot pass through root's home.
  if (process.getuid?.() === 0) return '/var/lib/slipway'
  return path.join(process.env.XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'slipway')
}

/** The database of a deployment and where this process keeps its files. */
export interface OpenedDatabase {
  readonly database: Database
  readonly directory: string
  /** Whether it is the embedded one, which nobody else uses. */
  readonly embedded: boolean
  /** This process among the replicas. */
  readonly replicaId: string
}

/**
 * Where the configured database is, or the embedded one, which is started, where none is configured.
 *
 * @param steps what is started ends with them.
 * @throws Error with a message for the operator.
 */
async function findDatabase(
  config: Config,
  log: Logger,
  steps: AsyncDisposableStack,
): Promise<Pick<OpenedDatabase, 'directory' | 'embedded'> & { readonly url: string }> {
  const directory = configDirectory(config)
  // Accounts of workspaces and of the embedded database pass through it to their own folders and see nothing else.
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const embedded = config.postgresUrl === ''
  const url = embedded
    ? steps.use(await startEmbedded({ directory: path.join(directory, 'postgres'), log })).url
    : config.postgresUrl
  return { url, directory, embedded }
}

/** A step of the schema, as operators see it. */
export type SchemaStep = Pick<Migration, 'version' | 'name'>

/**
 * Migrates the configured database, or the embedded one, as the start of a server does, and does nothing else (OP-176).
 *
 * @returns the steps that were pending; with `dryRun` they still are.
 * @throws Error with a message for the operator.
 */
export async function migrateDatabase(
  config: Config,
  log: Logger,
  options: { readonly dryRun: boolean; readonly connectTimeoutMs?: number },
): Promise<readonly SchemaStep[]> {
  await using steps = new AsyncDisposableStack()
  const { url } = await findDatabase(config, log, steps)
  return migrateSchema({ url, log, ...options })
}

/**
 * Opens the configured database, or starts the embedded one where none is.
 *
 * @param steps what is opened is closed with them.
 * @throws Error with a message for the operator.
 */
export async function openDatabase(
  config: Config,
  log: Logger,
  steps: AsyncDisposableStack,
): Promise<OpenedDatabase> {
  const { url, directory, embedded } = await findDatabase(config, log, steps)
  const replicaId = randomUUID()
  const database = steps.use(
    await Database.open({
      url,
      maxConnections: config.postgresMaxOpen,
      log,
      replicaId,
      onStatement: () => {
        const request = currentRequest()
        if (request !== undefined) request.statements += 1
      },
      onAnswer: chargeCurrentWork,
    }),
  )
  return { database, directory, embedded, replicaId }
}

/** What everything stands on that works on a deployment: a server, or a command beside it. */
export interface OpenedContext {
  readonly context: AppContext
  readonly directory: string
  /** The default organization. */
  readonly organizationId: string
}

/**
 * Opens a deployment: its database, set up as far as everything needs it, and its secrets.
 *
 * @param options `listening` is the URL under which this process serves it, where no access URL is configured.
 * @param steps what is opened is closed with them.
 * @throws Error with a message for the operator.
 */
export async function openContext(
  options: {
    readonly configuration: Configuration
    readonly log: Logger
    readonly clock?: Clock | undefined
    readonly listening: () => string
  },
  steps: AsyncDisposableStack,
): Promise<OpenedContext> {
  const { configuration, log, listening } = options
  const { config } = configuration
  const { database, directory, embedded, replicaId } = await openDatabase(config, log, steps)
  const system = systemActor('system_restricted', 'the deployment sets itself up before anybody can sign in')
  const organization = await database.transaction((tx) => ensureDefaultOrganization(system, tx))
  await database.transaction((tx) => reconcileSystemRoles(system, tx))
  const registry = new Registry()
  registerCpuTime(registry)
  const clock: Clock = options.clock ?? { now: () => new Date() }
  const context: AppContext = {
    config,
    configSources: configuration.sources,
    database,
    appearance: steps.use(await Appearance.start({ database, log })),
    log,
    metrics: registry,
    buildMetrics: new BuildMetrics(registry),
    clock,
    cookies: {
      secure: config.secureAuthCookie,
      sameSite: config.sameSiteAuthCookie,
      hostPrefix: config.hostPrefixCookie,
    },
    version: version(),
    deploymentId: await ensureDeploymentId(system, database.db, randomUUID()),
    replicaId,
    secrets: await loadDeploymentSecrets({
      shared: (feature, fresh, sealer) =>
        ensureSecret(
          systemActor('crypto_key_rotator', 'the deployment makes the keys that it lacks'),
          database.db,
          feature,
          fresh,
          sealer,
        ),
      checkKeys: (digests) =>
        checkKnownKeys(
          systemActor(
            'crypto_key_rotator',
            'keys that are in use are held against those that are configured',
          ),
          database,
          digests,
        ),
      configuredKeys: config.externalTokenEncryptionKeys,
      keyDirectory: embedded ? directory : undefined,
    }),
    passwords: { current: { mail: config.emailAuthPassword } },
    outbound: new Outbound(registry, () => clock.now().getTime()),
    accessUrl: () => (config.accessUrl === '' ? listening() : config.accessUrl),
  }
  return { context, directory, organizationId: organization.id }
}

/** What clients compare with their own version (OP-112): the level of the reference, then our own release. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? `v2.36.0+slipway.${String(manifest.version)}`
    : 'v2.36.0'
}
