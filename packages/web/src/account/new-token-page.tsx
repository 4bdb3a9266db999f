import { useMutation } from '@tanstack/react-query'

import { createToken } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { wireList } from './allow-list.ts'
import { GATEWAY_SCOPE } from './key-limits.ts'
import { OnceShown } from './once-shown.tsx'
import { tokensQuery } from './queries.ts'
import { tokenCommand } from './token-command.ts'
import { TokenForm, type TokenValues } from './token-form.tsx'
import { lifetimeNs } from './token-lifetime.ts'

/** `/settings/tokens/new`: name, lifetime, scopes; the secret shows once (UI-1502). */
export function NewTokenPage() {
  const [search] = useAddress()
  const create = useMutation({
    mutationFn: ({ name, days = 0, scopes, allowed, aiLimits }: TokenValues) =>
      api.call(createToken, {
        params: { user: 'me' },
        body: {
          token_name: name,
          lifetime: lifetimeNs(days),
          scopes: [...scopes],
          allow_list: wireList(allowed),
          ...(aiLimits === undefined ? {} : { ai_limits: aiLimits }),
        },
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  if (create.data === undefined)
    return (
      <TokenForm
        title="New token"
        failure="The token was not created"
        verb="Create token"
        use={search.for === 'ai' ? 'ai' : 'api'}
        error={create.error}
        busy={create.isPending}
        onSubmit={(values) => create.mutate(values)}
      />
    )
  return (
    <Section title={`Token ${create.variables.name}`}>
      <div className="flex flex-col gap-5">
        <Notice tone="ok" title="The token was created">
          Copy it now. It will not be shown again.
        </Notice>
        <OnceShown label="Token" secret={create.data.key} />
        {create.variables.scopes.includes(GATEWAY_SCOPE) ? (
          <p className="text-sm text-ink-2">
            How tools are told where the gateway is, stands under{' '}
            <AppLink className="link" href={paths.settings('ai')}>
              AI usage
            </AppLink>
            .
          </p>
        ) : (
          <>
            <div>
              <p className="mb-1.5 text-sm text-ink-2">Try it</p>
              <CopyableCode
                code={`curl -H "Coder-Session-Token: ${create.data.key}" ${location.origin}/api/v2/users/me`}
                label="Copy the command"
              />
            </div>
            <div>
              <p className="mb-1.5 text-sm text-ink-2">Create another one like it on the command line</p>
              <CopyableCode code={tokenCommand(create.variables)} label="Copy the command" />
            </div>
          </>
        )}
        <div className="flex justify-end">
          <AppLink href={paths.settings('tokens')} className={buttonClass({ tone: 'primary' })}>
            Done
          </AppLink>
        </div>
      </div>
    </Section>
  )
}
