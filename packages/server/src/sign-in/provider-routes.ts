import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { type Actor, authorize, isAllowed } from '../authz/index.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import type { SignInParts } from './callback.ts'
import { changeProvider, createProvider, presentProvider } from './manage-providers.ts'
import type { SignInProvider } from './provider.ts'
import { readTest, startTest } from './provider-tests.ts'
import { deleteProvider, getProvider, listProviders, type ProviderRow } from './store/providers.ts'

const CONFIG = { type: 'deployment_config' } as const

/** Providers that are kept here, and what those of the settings say (L-28…L-30). */
export function identityProviderRoutes({ context, providers }: SignInParts): BoundRoute[] {
  const db = context.database.db
  const shown = (row: ProviderRow): contract.IdentityProvider =>
    presentProvider(context, providers.fromRow(row), row)
  /** @throws ApiError 404 when it is absent or may not be read. */
  const readable = async (
    actor: Actor,
    params: Readonly<Record<string, string>>,
  ): Promise<SignInProvider> => {
    if (!isAllowed(actor, 'read', CONFIG)) throw notFound()
    return providers.get(params.identityprovider ?? '')
  }
  /** @throws ApiError the same, and 400 for one that only the settings of the deployment change. */
  const changeable = async (
    actor: Actor,
    params: Readonly<Record<string, string>>,
  ): Promise<SignInProvider> => {
    const provider = await readable(actor, params)
    authorize(actor, 'update', CONFIG)
    if (provider.source === 'settings')
      throw badRequest('This provider comes from the settings of the deployment: change it there.')
    return provider
  }
  return [
    forSession(contract.listIdentityProviders, async ({ actor }) => {
      const rows = new Map((await listProviders(actor, db)).map((row) => [row.name, row]))
      return (await providers.all()).map((provider) =>
        presentProvider(context, provider, rows.get(provider.id)),
      )
    }),
    forSession(contract.createIdentityProvider, (incoming) =>
      audited(context, incoming, { type: 'identity_provider', action: 'create' }, async (draft) => {
        const row = await createProvider(context, incoming.actor, incoming.body)
        draft.after = row
        return shown(row)
      }),
    ),
    forSession(contract.getIdentityProvider, async ({ actor, params }) => {
      const provider = await readable(actor, params)
      return provider.source === 'settings'
        ? presentProvider(context, provider, undefined)
        : shown(await getProvider(actor, db, provider.id))
    }),
    forSession(contract.updateIdentityProvider, (incoming) =>
      audited(context, incoming, { type: 'identity_provider', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const { id } = await changeable(actor, params)
        const { before, after } = await changeProvider(context, actor, id, body)
        draft.before = before
        draft.after = after
        return shown(after)
      }),
    ),
    forSession(contract.deleteIdentityProvider, (incoming) =>
      audited(context, incoming, { type: 'identity_provider', action: 'delete' }, async (draft) => {
        const { id } = await changeable(incoming.actor, incoming.params)
        draft.before = await deleteProvider(incoming.actor, db, id)
        return undefined
      }),
    ),
    forSession(contract.startProviderTest, async ({ actor, params }) => {
      const provider = await readable(actor, params)
      authorize(actor, 'update', CONFIG)
      return startTest(context, actor, provider)
    }),
    forSession(contract.getProviderTest, async ({ actor, params }) => {
      const provider = await readable(actor, params)
      authorize(actor, 'update', CONFIG)
      return readTest(context, actor, provider, params.providertest ?? '')
    }),
  ]
}
