import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { generateOpenSshKey } from './openssh-key.ts'
import { ensureGitSshKey, findGitSshKey, type GitSshKeyRow, replaceGitSshKey } from './store.ts'

/** A key pair with its private half in the clear. */
export interface GitSshKey {
  readonly row: GitSshKeyRow
  readonly privateKey: string
}

/** The key pair with which a user's workspaces reach git hosts; made when first asked for (ID-55). */
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

async function sealedPair(
  context: AppContext,
  userId: string,
): Promise<{ readonly publicKey: string; readonly sealedPrivateKey: Buffer }> {
  const pair = await generateOpenSshKey(context.config.sshKeygenAlgorithm)
  return {
    publicKey: pair.publicKey,
    sealedPrivateKey: context.secrets.sealer.seal(Buffer.from(pair.privateKey), purpose(userId)),
  }
}

function purpose(userId: string): string {
  return `git ssh key of ${userId}`
}
