import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type ExternalAuth, type Provider, ProviderError } from '../../external-auth/index.ts'
import { GitHost } from './host.ts'
import { parseRemote, type Remote } from './remote.ts'

const system = systemActor('chatd', 'branches of chats are looked at with the tokens of their owners')

/** Where a repository is, and the way to ask about it where there is one. */
export interface Hosted {
  readonly remote: Remote | undefined
  readonly provider: Provider | undefined
  /** Undefined without a token of the owner, and for hosts whose API is not known. */
  readonly host: GitHost | undefined
}

/** The Git host of a remote for a user: with that user's own token (CH-1504). */
export async function hostOf(
  context: AppContext,
  external: ExternalAuth,
  ownerId: string,
  origin: string,
): Promise<Hosted> {
  const remote = parseRemote(origin)
  const provider =
    remote === undefined ? undefined : external.providers.all.find((one) => one.matches(remote.url))
  if (remote === undefined || provider === undefined) return { remote, provider, host: undefined }
  try {
    const checked = await external.find(system, provider, ownerId)
    const host =
      checked?.authenticated === true
        ? GitHost.of(context, provider, checked.tokens.accessToken, remote)
        : undefined
    return { remote, provider, host }
  } catch (error) {
    if (error instanceof ProviderError) return { remote, provider, host: undefined }
    throw error
  }
}
