import { useQuery } from '@tanstack/react-query'
import { CircleCheck, ExternalLink, Settings2 } from 'lucide-react'
import { useEffect } from 'react'

import { type ExternalAuth, exchangeExternalAuthDevice, startExternalAuthDevice } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { DeviceCode } from '../session/device-code.tsx'
import { StandAlonePage } from '../session/stand-alone-page.tsx'
import { useDeviceFlow } from '../session/use-device-flow.ts'
import { Avatar } from '../ui/avatar.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { safeHref } from '../ui/safe-href.ts'
import { Spinner } from '../ui/spinner.tsx'
import { connectionQuery, connectionsQuery } from './queries.ts'

/** `/external-auth/{id}`: connects the viewer to a provider, or shows the connection (UI-606). */
export function ConnectPage() {
  const provider = useRouteParam('provider')
  const [search] = useAddress()
  const connection = useQuery(connectionQuery(provider))
  const returned = search.redirected === 'true'
  const data = connection.data
  // To the provider at once, but never again right after coming back from there.
  const leaving = data !== undefined && !data.authenticated && !data.device && !returned
  useEffect(() => {
    if (leaving) location.replace(paths.connectExternalAuth(provider))
  }, [leaving, provider])
  const name = data?.display_name ?? provider
  if (data === undefined && connection.isError)
    return (
      <StandAlonePage
        title={statusOf(connection.error) === 404 ? `There is no provider ${provider}` : 'Connect a provider'}
      >
        <div className="flex flex-col items-start gap-5">
          <ErrorNotice error={connection.error} onRetry={() => void connection.refetch()} />
          <Home />
        </div>
      </StandAlonePage>
    )
  if (data === undefined || leaving)
    return (
      <StandAlonePage title="Connect a provider">
        <p role="status" className="flex items-center gap-2 text-sm text-ink-2">
          <Spinner className="size-4" /> {leaving ? `Going to ${name}` : 'Asking for the connection'}
        </p>
      </StandAlonePage>
    )
  if (data.authenticated) return <Connected provider={provider} connection={data} />
  if (data.device)
    return (
      <StandAlonePage
        title={`Connect ${name}`}
        context="Enter this code there. This page continues by itself."
      >
        <div className="flex flex-col gap-6">
          <Device provider={provider} name={name} />
          <Home />
        </div>
      </StandAlonePage>
    )
  return (
    <StandAlonePage title={`${name} is not connected`}>
      <div className="flex flex-col items-start gap-5">
        <Notice tone="bad" title={`${name} sent you back, but did not accept the token it gave`}>
          Try again. If that does not help, an operator of this deployment has to check the settings of the
          provider: its scopes, or the address that tokens are checked at.
        </Notice>
        <a className={buttonClass({ tone: 'primary' })} href={paths.connectExternalAuth(provider)}>
          Try again
        </a>
        <Home />
      </div>
    </StandAlonePage>
  )
}

function Home() {
  return (
    <AppLink href={paths.settings('external-auth')} className="link text-sm">
      All providers
    </AppLink>
  )
}

/** Whoever opened this page to go on elsewhere is told that it is done; the page that opened it sees so by itself. */
function Connected({
  provider,
  connection,
}: {
  readonly provider: string
  readonly connection: ExternalAuth
}) {
  const { user, installations, app_install_url: installUrl, app_installable: installable } = connection
  const install = safeHref(installUrl)
  return (
    <StandAlonePage title={`${connection.display_name} is connected`}>
      <div className="flex flex-col gap-5">
        <div className="flex min-h-14 items-center gap-3 rounded-card border border-line bg-surface px-4 py-2.5">
          {user === null ? (
            <CircleCheck className="size-5 shrink-0 text-ok" strokeWidth={1.5} aria-hidden="true" />
          ) : (
            <Avatar name={user.login} url={user.avatar_url} />
          )}
          <div className="min-w-0 flex-1 text-sm">
            <div className="truncate font-medium">
              {user === null ? 'The token works' : <bdi>{user.login}</bdi>}
            </div>
            <div className="truncate text-ink-2">
              {user === null
                ? 'The provider does not say which account it belongs to.'
                : user.name === '' || user.name === user.login
                  ? 'Your account there'
                  : user.name}
            </div>
          </div>
        </div>
        {installable && installations.length === 0 && install !== undefined ? (
          <Notice
            tone="warn"
            title="The app is not installed anywhere"
            action={
              <a
                className={buttonClass({ size: 'dense' })}
                href={install}
                target="_blank"
                rel="noopener noreferrer"
              >
                Install it <ExternalLink className="size-3" aria-hidden="true" />
              </a>
            }
          >
            Until it is, its tokens reach public repositories only.
          </Notice>
        ) : null}
        {installations.length === 0 ? null : (
          <section className="rounded-card border border-line bg-surface">
            <h2 className="border-b border-line px-4 py-2 text-sm font-medium">Installed for</h2>
            <ul>
              {installations.map(({ id, account, configure_url: url }) => {
                const configure = safeHref(url)
                return (
                  <li
                    key={id}
                    className="flex min-h-11 items-center gap-2.5 border-b border-line px-4 py-1.5 text-sm last:border-0"
                  >
                    <Avatar name={account.login} url={account.avatar_url} />
                    <bdi className="min-w-0 flex-1 truncate">{account.login}</bdi>
                    {configure === undefined ? null : (
                      <a
                        className={buttonClass({ tone: 'quiet', size: 'dense' })}
                        href={configure}
                        target="_blank"
                        rel="noopener noreferrer"
                        aria-label={`Configure for ${account.login}`}
                      >
                        <Settings2 className="size-3.5" aria-hidden="true" /> Configure
                      </a>
                    )}
                  </li>
                )
              })}
            </ul>
          </section>
        )}
        <p className="text-sm text-ink-2">
          You can close this page. The one that sent you here continues by itself.
        </p>
        <div className="flex flex-wrap gap-2">
          <AppLink href={paths.settings('external-auth')} className={buttonClass({ tone: 'primary' })}>
            All providers
          </AppLink>
          {connection.device ? null : (
            <a className={buttonClass({})} href={paths.connectExternalAuth(provider)}>
              Connect again
            </a>
          )}
        </div>
      </div>
    </StandAlonePage>
  )
}

function Device({ provider, name }: { readonly provider: string; readonly name: string }) {
  const params = { externalauth: provider }
  const { flow, restart } = useDeviceFlow({
    start: (signal) => api.call(startExternalAuthDevice, { params, signal }),
    poll: (code, signal) =>
      api.call(exchangeExternalAuthDevice, { params, body: { device_code: code }, signal }),
    onDone: () => void queries.invalidateQueries({ queryKey: connectionsQuery.queryKey }),
  })
  return <DeviceCode flow={flow} provider={name} onRestart={restart} />
}
