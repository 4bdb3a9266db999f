import type { ReactNode } from 'react'

import { type OAuth2ProviderApp, scopeInWords } from '@slipway/contract'
import { CopyButton } from '../ui/copyable.tsx'
import { Section } from '../ui/page.tsx'
import { safeHref } from '../ui/safe-href.ts'

/** What the developer of an app copies into its settings (UI-1404). */
export function AppConnection({ app }: { readonly app: OAuth2ProviderApp }) {
  const { authorization, token, token_revoke, device_authorization } = app.endpoints
  const id = app.metadata_url === '' ? app.id : app.metadata_url
  return (
    <Section title="Connection" help="What the app needs to know about this deployment." flush>
      <dl className="divide-y divide-line">
        <Copied label="Client id" value={id} />
        <Copied label="Authorization URL" value={authorization} />
        <Copied label="Token URL" value={token} />
        <Copied label="Revocation URL" value={token_revoke} />
        {device_authorization === '' ? null : <Copied label="Device URL" value={device_authorization} />}
      </dl>
    </Section>
  )
}

function Copied({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <Row label={label}>
      <span className="flex min-w-0 items-center gap-1">
        <code className="min-w-0 flex-1 break-all py-1 text-sm">{value}</code>
        <CopyButton text={value} label={`Copy the ${label.toLowerCase()}`} />
      </span>
    </Row>
  )
}

/** What is known about an app that the viewer does not change. */
export function AppMetadata({ app }: { readonly app: OAuth2ProviderApp }) {
  const home = app.client_uri === '' ? undefined : safeHref(app.client_uri)
  return (
    <Section title="About the app" flush>
      <dl className="divide-y divide-line">
        {home === undefined ? null : (
          <Row label="Home page">
            <a href={home} target="_blank" rel="noreferrer" className="break-all text-accent hover:underline">
              {app.client_uri}
            </a>
          </Row>
        )}
        <Row label="Redirect URIs">
          <ul className="flex flex-col gap-1">
            {app.redirect_uris.map((uri) => (
              <li key={uri}>
                <code className="break-all text-sm">{uri}</code>
              </li>
            ))}
          </ul>
        </Row>
        <Row label="May ask for">
          {app.scope === '' ? (
            'Any scope'
          ) : (
            <ul className="flex flex-col gap-1">
              {app.scope.split(' ').map((scope) => (
                <li key={scope}>
                  {scopeInWords(scope)} <code className="text-xs text-ink-2">{scope}</code>
                </li>
              ))}
            </ul>
          )}
        </Row>
        <Row label="Pushed requests">
          {app.require_pushed_authorization_requests ? 'Required' : 'Not required'}
        </Row>
        <Row label="Consent">
          {app.remember_consent ? 'Asked once for the same scopes' : 'Asked every time'}
        </Row>
      </dl>
    </Section>
  )
}

function Row({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className="flex min-h-10 flex-col gap-x-4 px-4 py-1.5 text-sm sm:flex-row sm:items-baseline">
      <dt className="shrink-0 text-ink-2 sm:w-40">{label}</dt>
      <dd className="min-w-0 flex-1">{children}</dd>
    </div>
  )
}
