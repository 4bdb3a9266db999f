import { createLogger, type Logger, LogSink } from '@slipway/request-log'
import { type ChainHead, type ChainReport, verifyChain } from './audit/index.ts'
import { systemActor } from './authz/index.ts'
import { parseConfig } from './config/index.ts'
import { decryptAll, destroyEncrypted, type Encryption, rotateEncryption } from './encryption/index.ts'
import { openDatabase } from './open-context.ts'
import { countOld, type OldCount } from './purge/index.ts'
import { decodeKey, ensureSecret, ownKey } from './secrets/index.ts'

/** Commands that work on the database of a server without running it. */
export interface Maintenance extends AsyncDisposable {
  /** Encrypts all stored values under a new key (OP-67); keys are in base64. Resolves to how many were changed. */
  rotate(newKey: string, oldKeys: readonly string[]): Promise<number>
  /** Goes back to the key of the deployment itself (OP-67). Resolves to how many values were changed. */
  decrypt(keys: readonly string[]): Promise<number>
  /** Destroys what is encrypted under keys from outside (OP-67). Resolves to how many values there were. */
  destroy(): Promise<number>
  /** What the purge would delete (OP-79). */
  countOld(): Promise<OldCount[]>
  /** Verifies the chain of the audit log (RB-131). */
  verifyAudit(known: ChainHead | undefined): Promise<ChainReport>
}

/**
 * Opens the database that a server with these flags and this environment would use.
 *
 * @param log where problems are told; by default on standard error, as a server does.
 * @throws Error with a message for the operator.
 */
export async function openMaintenance(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  log?: Logger,
): Promise<Maintenance> {
  const configuration = parseConfig(argv, environment)
  if (configuration.kind === 'refused') throw new Error(configuration.errors.join('\n'))
  if (configuration.kind === 'print') throw new Error('give the flags of the server that name its database')
  const { config } = configuration
  await using steps = new AsyncDisposableStack()
  const { database, directory, embedded } = await openDatabase(config, log ?? warnings(steps), steps)
  const actor = systemActor('crypto_key_rotator', 'an operator changes the keys of the deployment by command')
  const clock = { now: () => new Date() }
  const encryption = async (): Promise<Encryption> => ({
    database,
    actor,
    ownKey: await ownKey({
      shared: (feature, fresh) => ensureSecret(actor, database.db, feature, fresh),
      keyDirectory: embedded ? directory : undefined,
    }),
  })
  const owned = steps.move()
  return {
    rotate: async (newKey, oldKeys) =>
      rotateEncryption(await encryption(), decodeKey(newKey, 0), oldKeys.map(decodeKey)),
    decrypt: async (keys) => decryptAll(await encryption(), keys.map(decodeKey)),
    destroy: async () => destroyEncrypted(await encryption()),
    countOld: () => countOld({ config, clock, database }),
    verifyAudit: (known) => verifyChain({ database, clock }, config.auditLogsRetention, known),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A log of what goes wrong only: the command itself says what it does. */
function warnings(steps: AsyncDisposableStack): Logger {
  return createLogger({ level: 'warn', sink: steps.use(new LogSink(2)) })
}
