import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { Sealer } from './sealer.ts'

/** Secrets that the whole deployment shares. */
export interface DeploymentSecrets {
  /** Encrypts what is stored. */
  readonly sealer: Sealer
  /** Signs tickets of workspace apps and terminals (AC §9.2). */
  readonly appTicketKey: Uint8Array
  /** Signs what replicas ask of each other. */
  readonly relayKey: Uint8Array
}

/**
 * Loads the secrets, making them at the first start. With the embedded database the encryption key lies in a
 * file beside it, so that a dump alone reveals nothing; with an external one every replica needs it, so it
 * comes from `CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS` or, without that, from the database.
 *
 * @throws Error with a message for the operator when a key is unusable.
 */
export async function loadDeploymentSecrets(options: {
  /** The secret that all replicas share for a feature; `fresh` becomes it when there is none yet. */
  readonly shared: (feature: string, fresh: Buffer) => Promise<Buffer>
  readonly configuredKeys: readonly string[]
  /** Folder of the embedded database's key; undefined with an external database. */
  readonly keyDirectory: string | undefined
}): Promise<DeploymentSecrets> {
  const configured = options.configuredKeys.map(decodeKey)
  const local =
    options.keyDirectory === undefined
      ? await options.shared('sealed_values', randomBytes(32))
      : await localKey(options.keyDirectory)
  return {
    sealer: new Sealer([...configured, local]),
    appTicketKey: await options.shared('workspace_app_tickets', randomBytes(32)),
    relayKey: await options.shared('replica_relay', randomBytes(32)),
  }
}

function decodeKey(text: string, index: number): Buffer {
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
