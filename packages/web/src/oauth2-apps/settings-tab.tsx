import { useMutation, useQuery } from '@tanstack/react-query'

import { type OAuth2ProviderSettings, updateOAuth2Settings } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions } from '../session/session.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { oauth2SettingsQuery } from './queries.ts'

const DISCOVERY = '/.well-known/oauth-authorization-server'

/** Who may become a client, and how they must ask (OA-23, OA-B15). Each switch counts at once. */
export function SettingsTab() {
  const online = useOnline()
  const settings = useQuery(oauth2SettingsQuery)
  const may = usePermissions()?.editDeploymentConfig === true
  const save = useMutation({
    mutationFn: (body: Partial<OAuth2ProviderSettings>) => api.call(updateOAuth2Settings, { body }),
    onSuccess: (saved) => queries.setQueryData(oauth2SettingsQuery.queryKey, saved),
  })
  if (settings.data === undefined)
    return settings.isError ? (
      <ErrorNotice
        error={settings.error}
        title="The settings could not be read"
        onRetry={() => void settings.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="skeleton h-48 rounded-card" aria-busy="true" />
      </AfterDelay>
    )
  const wanted = { ...settings.data, ...(save.isPending ? save.variables : {}) }
  const locked = !may || !online || save.isPending
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <ErrorNotice error={save.error} title="The setting was not changed" />
      <Section
        title="Clients"
        {...(may ? {} : { help: 'Only owners of the deployment may change these settings.' })}
      >
        <div className="flex flex-col gap-5">
          <LabelledToggle
            kind="switch"
            label="Clients may register themselves"
            help="MCP clients and IDEs register themselves (RFC 7591) when somebody connects them. Anybody who can reach this server can then register a client; the consent page says that nobody has verified it. Turning this off only stops new registrations."
            checked={wanted.dynamic_client_registration_enabled}
            disabled={locked}
            onChange={(on) => save.mutate({ dynamic_client_registration_enabled: on })}
          />
          <LabelledToggle
            kind="switch"
            label="Require pushed authorization requests"
            help="Every client must send its request to the server first (RFC 9126), so that nobody in between can change it. Clients that cannot do that are refused."
            checked={wanted.require_pushed_authorization_requests}
            disabled={locked}
            onChange={(on) => save.mutate({ require_pushed_authorization_requests: on })}
          />
        </div>
      </Section>
      <Section title="Discovery" help="Clients find all endpoints in this document (RFC 8414).">
        <CopyableCode
          code={new URL(DISCOVERY, location.origin).href}
          label="Copy the address of the document"
        />
      </Section>
    </div>
  )
}
