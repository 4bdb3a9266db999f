import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { isDevelopmentBuild, postMcp } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buildInfoQuery, experimentsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { CopyableCode, CopyButton } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { type ClientId, clientConfigs, endpointOf } from './client-config.ts'
import { metadataQuery } from './queries.ts'

/** Where the MCP server of this deployment is, as each client wants to be told. */
export function ConnectClient() {
  const experiments = useQuery(experimentsQuery)
  const version = useQuery(buildInfoQuery).data?.version
  const metadata = useQuery(metadataQuery)
  const off =
    experiments.data !== undefined &&
    !experiments.data.includes('mcp-server-http') &&
    !(version !== undefined && isDevelopmentBuild(version))
  return (
    <Section
      title="Connect an MCP client"
      help="An editor or a coding tool works with your workspaces, templates and chats through the Model Context Protocol, signed in as you."
    >
      {off || statusOf(metadata.error) === 403 ? (
        <Notice tone="info" title="The MCP server is switched off">
          An operator of this deployment can turn on the experiments <code>oauth2</code> and{' '}
          <code>mcp-server-http</code>.
        </Notice>
      ) : metadata.data !== undefined ? (
        <Configurations
          accessUrl={metadata.data.issuer}
          selfRegistration={metadata.data.registration_endpoint !== undefined}
        />
      ) : metadata.isError ? (
        <ErrorNotice
          error={metadata.error}
          title="The address could not be read"
          onRetry={() => void metadata.refetch()}
        />
      ) : (
        <AfterDelay>
          <div className="skeleton h-40 rounded-control" aria-busy="true" />
        </AfterDelay>
      )}
    </Section>
  )
}

function Configurations({
  accessUrl,
  selfRegistration,
}: {
  readonly accessUrl: string
  readonly selfRegistration: boolean
}) {
  const mayAllow = usePermissions()?.editDeploymentConfig === true
  const [id, setId] = useState<ClientId>('claude-code')
  const [onlyReading, setOnlyReading] = useState(false)
  const configs = clientConfigs(endpointOf(accessUrl, postMcp.path, onlyReading))
  const shown = configs.find((config) => config.id === id)
  return (
    <div className="flex flex-col gap-4">
      <Segmented label="Client" options={configs} value={id} onChange={setId} />
      {shown === undefined ? null : (
        <div className="flex flex-col gap-2">
          <p className="text-sm">{shown.how}</p>
          {shown.code.includes('\n') ? (
            <CodeBlock code={shown.code} />
          ) : (
            <CopyableCode code={shown.code} label="Copy the configuration" />
          )}
          <p className="text-sm text-ink-2">{shown.next}</p>
        </div>
      )}
      <LabelledToggle
        kind="switch"
        label="Read-only tools"
        help="The client can see your workspaces and chats, but change nothing."
        checked={onlyReading}
        onChange={setOnlyReading}
      />
      {selfRegistration ? null : (
        <Notice
          tone="info"
          title="Clients cannot register themselves here"
          {...(mayAllow
            ? {
                action: (
                  <AppLink
                    href={paths.oauth2Apps({ tab: 'settings' })}
                    className="text-sm text-accent underline"
                  >
                    Open the settings
                  </AppLink>
                ),
              }
            : {})}
        >
          A client that describes itself in a metadata document can sign in all the same. Others need the
          client id of an app that an owner of the deployment makes for them, or a{' '}
          <AppLink href={paths.settings('tokens')} className="text-accent underline">
            token
          </AppLink>
          .
        </Notice>
      )}
      <p className="text-sm text-ink-2">
        Clients that you connect appear under{' '}
        <AppLink href={paths.settings('oauth2-provider')} className="text-accent underline">
          Authorized apps
        </AppLink>
        , where you can stop it.
      </p>
    </div>
  )
}

function CodeBlock({ code }: { readonly code: string }) {
  return (
    <div className="relative min-w-0 rounded-control border border-line bg-bg">
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
        tabIndex={0}
        className="overflow-x-auto py-2.5 pl-3 pr-10 font-mono text-sm"
      >
        {code}
      </pre>
      <span className="absolute right-1 top-1 rounded-control bg-bg">
        <CopyButton text={code} label="Copy the configuration" />
      </span>
    </div>
  )
}
