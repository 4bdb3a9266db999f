import { useMutation, useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'

import { type APIKey, NEVER, updateToken } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { exactTime, TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { type AllowEntry, wireList } from './allow-list.ts'
import { GATEWAY_SCOPE } from './key-limits.ts'
import { namedEntriesQuery, tokensQuery } from './queries.ts'
import { TokenForm, type TokenValues } from './token-form.tsx'
import { lifetimeNs } from './token-lifetime.ts'
import { TokenLimits } from './token-limits.tsx'
import { FULL_SCOPE, scopesOf } from './token-scopes.ts'

/** `/settings/tokens/{id}`: what a token is called, may do and reach, and until when (UI-B7). */
export function EditTokenPage() {
  const id = useRouteParam('token')
  const tokens = useQuery(tokensQuery)
  const token = tokens.data?.find((one) => one.id === id && one.login_type === 'token')
  const allowed = useQuery({ ...namedEntriesQuery(token?.allow_list ?? []), enabled: token !== undefined })
  if (token !== undefined && allowed.data !== undefined)
    return (
      <Edit key={token.id} token={token} allowed={allowed.data.length === 0 ? undefined : allowed.data} />
    )
  if (tokens.isError)
    return (
      <ErrorNotice
        error={tokens.error}
        title="The token could not be read"
        onRetry={() => void tokens.refetch()}
      />
    )
  if (tokens.data === undefined || token !== undefined)
    return (
      <AfterDelay>
        <div className="skeleton h-80 rounded-card" aria-busy="true" />
      </AfterDelay>
    )
  return (
    <EmptyState
      icon={KeyRound}
      title="There is no such token"
      action={
        <AppLink href={paths.settings('tokens')} className={buttonClass({ tone: 'primary' })}>
          All tokens
        </AppLink>
      }
    >
      It was deleted, has expired, or belongs to somebody else.
    </EmptyState>
  )
}

function Edit({
  token,
  allowed,
}: {
  readonly token: APIKey
  readonly allowed: readonly AllowEntry[] | undefined
}) {
  const go = useGo()
  const save = useMutation({
    mutationFn: (wanted: TokenValues) =>
      api.call(updateToken, { params: { user: 'me', keyname: token.id }, body: changeOf(token, wanted) }),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: tokensQuery.queryKey })
      go(paths.settings('tokens'))
      toasts.done(`The token ${saved.token_name} was saved`)
    },
  })
  return (
    <div className="flex flex-col gap-4">
      <TokenForm
        title="Token"
        about={
          token.last_used === NEVER ? (
            'It has never been used. Its secret stays the same.'
          ) : (
            <>
              Last used <TimeAgo time={token.last_used} />
              {token.last_used_ip === undefined ? '' : ` from ${token.last_used_ip}`}. Its secret stays as it
              is.
            </>
          )
        }
        failure="The token was not saved"
        verb="Save token"
        present={{
          name: token.token_name,
          scopes: scopesOf(token),
          allowed,
          end: `Until ${exactTime(token.expires_at)}`,
        }}
        error={save.error}
        busy={save.isPending}
        onSubmit={(values) => save.mutate(values)}
      />
      {mayAskModels(token) ? <TokenLimits token={token.id} /> : null}
    </div>
  )
}

/** Whether its scopes reach the AI gateway (AG-B7). */
function mayAskModels(token: APIKey): boolean {
  return scopesOf(token).some((scope) => scope === FULL_SCOPE || scope === GATEWAY_SCOPE)
}

/** Only what is another than before: the rest may be more than the viewer could give now. */
function changeOf(token: APIKey, { name, days, scopes, allowed }: TokenValues) {
  const list = wireList(allowed)
  return {
    ...(name === token.token_name ? {} : { token_name: name }),
    ...(days === undefined ? {} : { lifetime: lifetimeNs(days) }),
    ...(sameSet(scopes, scopesOf(token)) ? {} : { scopes: [...scopes] }),
    ...(sameSet(list, token.allow_list) ? {} : { allow_list: list }),
  }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const all = new Set(b)
  return all.size === new Set(a).size && a.every((one) => all.has(one))
}
