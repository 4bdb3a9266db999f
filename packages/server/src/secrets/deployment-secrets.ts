import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { OWN_KEY_FEATURE } from './own-key-feature.ts'
import { keyDigest, Sealer } from './sealer.ts'

/** Secrets that the whole deployment shares. */
export interface DeploymentSecrets {
  /** Encrypts what is stored. */
  readonly sealer: Sealer
  /** Encrypts the secrets of the deployment themselves; undefined without keys from outside. */
  readonly keySealer: Sealer | undefined
  /** Signs what replicas ask of each other. */
  readonly relayKey: Uint8Array
}

/** What secrets are loaded from. */
export interface SecretSources {
  /**
   * The secret that all replicas share for a feature; `fresh` becomes it when there is none yet, encrypted by `sealer`
   * where there is one.
   */
  readonly shared: (feature: string, fresh: Buffer, sealer?: Sealer) => Promise<Buffer>
  /** Holds the configured keys against those that the database knows, by their digests. @throws Error. */
  readonly checkKeys: (digests: readonly string[]) => Promise<void>
  readonly configuredKeys: readonly string[]
  /** Folder of the embedded database's key; undefined with an external database. */
  readonly keyDirectory: string | undefined
}

/**
 * Loads the secrets, making them at the first start. With the embedded database the encryption key lies in a
 * file beside it, so that a dump alone reveals nothing; with an external one every replica needs it, so it
 * comes from `CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS` or, without that, from the database.
 *
 * @throws Error with a message for the operator when a key is unusable, or one that is in use is missing (OP-67).
 */
export async function loadDeploymentSecrets(sources: SecretSources): Promise<DeploymentSecrets> {
  const configured = sources.configuredKeys.map(decodeKey)
  await sources.checkKeys(configured.map(keyDigest))
  const own = await ownKey(sources)
  const keySealer = configured.length === 0 ? undefined : new Sealer(configured)
  return {
    sealer: new Sealer([...configured, own]),
    keySealer,
    relayKey: await sources.shared('replica_relay', randomBytes(32), keySealer),
  }
}

/** The key that the deployment has made for itself. */
export function ownKey({
  shared,
  keyDirectory,
}: Pick<SecretSources, 'shared' | 'keyDirectory'>): Promise<Buffer> {
  return keyDirectory === undefined ? shared(OWN_KEY_FEATURE, randomBytes(32)) : localKey(keyDirectory)
}

/** A key of the configuration. @throws Error naming its place. */
export function decodeKey(text: string, index: number): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length !== 32)
    throw new Error(
      `key ${index + 1} of --external-token-encryption-keys must be 32 bytes in base64 (openssl rand -base64 32)`,
    )
  return key
}

async function localKey(directory: string): Promise<Buffer> {
  const file = path.join(directory, 'encryption.key')
  await mkdir(directory, { recursive: true })
  try {
    await writeFile(file, randomBytes(32).toString('base64'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const key = Buffer.from(await readFile(file, 'utf8'), 'base64')
  if (key.length !== 32) throw new Error(`${file} is damaged: it must hold 32 bytes in base64`)
  return key
}
