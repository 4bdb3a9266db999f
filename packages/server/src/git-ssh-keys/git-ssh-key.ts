import type { Actor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { generateOpenSshKey, type OpenSshKeyPair } from './openssh-key.ts'
import { ensureGitSshKey, findGitSshKey, type GitSshKeyRow, replaceGitSshKey } from './store.ts'

/** A key pair with its private half in the clear. */
export interface GitSshKey {
  readonly row: GitSshKeyRow
  readonly privateKey: string
}

/** The key pair with which a user's workspaces reach git hosts; for accounts without one it is made now (ID-193). */
export async function gitSshKeyOf(context: AppContext, actor: Actor, userId: string): Promise<GitSshKey> {
  const db = context.database.db
  const row =
    (await findGitSshKey(actor, db, userId)) ??
    (await ensureGitSshKey(actor, db, userId, await sealedPair(context, userId)))
  return {
    row,
    privateKey: context.secrets.sealer.open(row.private_key, purpose(userId)).toString(),
  }
}

/** Makes a new pair; the old one stops working wherever it was registered. */
export async function regenerateGitSshKey(
  context: AppContext,
  actor: Actor,
  userId: string,
): Promise<GitSshKeyRow> {
  return replaceGitSshKey(actor, context.database.db, userId, await sealedPair(context, userId))
}

/** Makes a pair, and gives what stores it for a user in the transaction that makes the user (ID-7). */
export async function prepareGitSshKey(
  context: AppContext,
): Promise<(actor: Actor, tx: Db, userId: string) => Promise<void>> {
  const pair = await generateOpenSshKey(context.config.sshKeygenAlgorithm)
  return async (actor, tx, userId) => {
    await replaceGitSshKey(actor, tx, userId, sealed(context, userId, pair))
  }
}

async function sealedPair(context: AppContext, userId: string): Promise<SealedPair> {
  return sealed(context, userId, await generateOpenSshKey(context.config.sshKeygenAlgorithm))
}

interface SealedPair {
  readonly publicKey: string
  readonly sealedPrivateKey: Buffer
}

function sealed(context: AppContext, userId: string, pair: OpenSshKeyPair): SealedPair {
  return {
    publicKey: pair.publicKey,
    sealedPrivateKey: context.secrets.sealer.seal(Buffer.from(pair.privateKey), purpose(userId)),
  }
}

function purpose(userId: string): string {
  return `git ssh key of ${userId}`
}
