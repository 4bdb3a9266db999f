import { randomBytes } from 'node:crypto'

import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { signIn } from './actor.ts'
import type { Arrival } from './enter.ts'
import { findAccount, requireUsable } from './find-account.ts'
import { requireGoodEmail } from './oidc-profile.ts'
import { callbackPath, type SignInProvider } from './provider.ts'
import {
  finishProviderTest,
  getProviderTest,
  insertProviderTest,
  type ProviderTestRow,
} from './store/provider-tests.ts'

/** What the syncs would do with these claims, for the user or for a new one. */
export type ExplainSync = (
  context: AppContext,
  actor: Actor,
  claims: Readonly<Record<string, unknown>>,
  userId: string | undefined,
) => Promise<contract.SignInSyncExplanation>

type Result = Pick<contract.ProviderTest, 'failure' | 'claims' | 'profile' | 'linking' | 'sync'>

const TEST_MS = 15 * 60_000
const STATE = /^test-([0-9a-f-]{36})-[0-9a-f]{32}$/

/** Begins a test sign-in: whoever begins it goes through it in the same browser (L-29). @throws ApiError 403. */
export async function startTest(
  context: AppContext,
  actor: Actor,
  provider: SignInProvider,
): Promise<contract.ProviderTest> {
  const now = context.clock.now()
  const row = await insertProviderTest(actor, context.database.db, {
    provider: provider.id,
    createdBy: actor.id,
    now,
    expiresAt: new Date(now.getTime() + TEST_MS),
  })
  return presentTest(row, provider)
}

/** A test of the actor's. @throws ApiError 404 when it is over or another's, 403. */
export async function readTest(
  context: AppContext,
  actor: Actor,
  provider: SignInProvider,
  id: string,
): Promise<contract.ProviderTest> {
  return presentTest(await ownTest(context, actor, provider, id), provider)
}

/** State of the flow of a test, which names the test. */
export function testState(id: string): string {
  return `test-${id}-${randomBytes(16).toString('hex')}`
}

/** The test that a state is of; undefined for a real sign-in. */
export function testOfState(state: string): string | undefined {
  return STATE.exec(state)?.[1]
}

/** @throws ApiError 404 for a test that is over, has a result, or is another's; 403. */
export async function requirePendingTest(
  context: AppContext,
  actor: Actor,
  provider: SignInProvider,
  id: string,
): Promise<void> {
  const row = await ownTest(context, actor, provider, id)
  if (row.result !== null) throw notFound()
}

/** Stores what a test has shown; the account of nobody changes by it. @throws ApiError 403. */
export async function finishTest(
  context: AppContext,
  actor: Actor,
  id: string,
  arrive: () => Promise<Arrival>,
  explainSync: ExplainSync,
): Promise<void> {
  let result: Result
  try {
    result = await explained(context, actor, await arrive(), explainSync)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    result = { failure: failureOf(error) }
  }
  await finishProviderTest(actor, context.database.db, id, result)
}

async function explained(
  context: AppContext,
  actor: Actor,
  { provider, profile, claims }: Arrival,
  explainSync: ExplainSync,
): Promise<Result> {
  const linking = await explainLinking(context, provider, profile)
  return {
    claims,
    profile: {
      linked_id: profile.linkedId,
      username: profile.username,
      email: profile.email,
      email_verified: profile.emailVerified,
      name: profile.name,
      avatar_url: profile.avatarUrl,
    },
    linking,
    ...(provider.kind === 'oidc'
      ? { sync: await explainSync(context, actor, claims.merged_claims, linking.user_id) }
      : {}),
  }
}

/** What a real sign-in would make of this person. */
async function explainLinking(
  context: AppContext,
  provider: SignInProvider,
  profile: Arrival['profile'],
): Promise<NonNullable<Result['linking']>> {
  try {
    if (provider.kind === 'oidc') requireGoodEmail(provider, profile)
    const emailFallback = provider.kind === 'oidc' && provider.emailFallback
    const account = await findAccount(
      signIn,
      context.database.db,
      { type: provider.kind, emailFallback },
      profile,
    )
    if (account.kind === 'nobody')
      return provider.allowSignups
        ? { outcome: 'sign_up', detail: `A new account called ${profile.username} would be made.` }
        : { outcome: 'refused', detail: 'Nobody has this address, and signing in makes no accounts.' }
    const { id, username } = account.user
    requireUsable(account.user, provider.kind)
    return {
      outcome: account.kind === 'linked' ? 'linked' : 'link_by_email',
      user_id: id,
      username,
      detail:
        account.kind === 'linked'
          ? `The account ${username} is linked to this identity.`
          : `The account ${username} has this address and would be linked.`,
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { outcome: 'refused', detail: [error.message, error.detail].filter(Boolean).join(': ') }
  }
}

function failureOf(error: ApiError): NonNullable<Result['failure']> {
  return { status: error.status, message: error.message, detail: error.detail ?? '' }
}

function ownTest(
  context: AppContext,
  actor: Actor,
  provider: SignInProvider,
  id: string,
): Promise<ProviderTestRow> {
  if (!isUuid(id)) throw notFound()
  return getProviderTest(actor, context.database.db, {
    id,
    provider: provider.id,
    createdBy: actor.id,
    now: context.clock.now(),
  })
}

function presentTest(row: ProviderTestRow, provider: SignInProvider): contract.ProviderTest {
  const result = resultOf(row)
  return {
    id: row.id,
    provider: row.provider,
    state: result === undefined ? 'pending' : result.failure === undefined ? 'finished' : 'failed',
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    ...(result ?? { url: `${callbackPath(provider)}?${new URLSearchParams({ test: row.id })}` }),
  }
}

/** Stored by {@link finishTest} and by nobody else. */
function resultOf({ result }: ProviderTestRow): Result | undefined {
  return isResult(result) ? result : undefined
}

function isResult(value: unknown): value is Result {
  return typeof value === 'object' && value !== null
}
