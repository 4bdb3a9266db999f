import type { UseMutationResult } from '@tanstack/react-query'

import type { MCPServerConfig, TestMCPServerConfigResponse } from '@slipway/contract'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { formatDuration } from '../ui/duration.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { ConnectionButton } from './connection-button.tsx'

/** How the server does: what the last look found, and a test as a chat of the viewer would do it. */
export function ServerCheck({
  server,
  test,
}: {
  readonly server: MCPServerConfig
  readonly test: UseMutationResult<TestMCPServerConfigResponse, unknown, void>
}) {
  const online = useOnline()
  return (
    <Section
      title="Health"
      help={<Looked server={server} />}
      actions={
        <span className="inline-flex flex-wrap items-center gap-2">
          {server.auth_type === 'oauth2' ? <ConnectionButton server={server} /> : null}
          <Button size="dense" busy={test.isPending} disabled={!online} onClick={() => test.mutate()}>
            Test now
          </Button>
        </span>
      }
    >
      <div className="flex flex-col gap-3">
        <ErrorNotice error={test.error} title="The test could not be made" />
        {test.data === undefined ? (
          <LastLook server={server} />
        ) : (
          <Outcome server={server} answer={test.data} />
        )}
      </div>
    </Section>
  )
}

function Looked({ server: { health, enabled } }: { readonly server: MCPServerConfig }) {
  if (!enabled) return 'The server is off and is not checked automatically.'
  if (health.checked_at === null) return 'Not checked yet.'
  return (
    <>
      Checked <TimeAgo time={health.checked_at} />
    </>
  )
}

function LastLook({ server }: { readonly server: MCPServerConfig }) {
  const { health } = server
  switch (health.status) {
    case 'healthy':
      return (
        <Facts
          facts={[
            ['Tools', String(health.tool_count)],
            ['Latency', formatDuration(health.latency_ms)],
          ]}
        />
      )
    case 'needs_auth':
      return (
        <p className="text-sm text-ink-2">
          It answers, and accepts only people who have connected their account. Connect yours to test its
          tools.
        </p>
      )
    case 'unhealthy':
      return (
        <Notice
          tone="bad"
          title={
            health.consecutive_failures > 1
              ? `The last ${health.consecutive_failures} checks failed`
              : 'The last check failed'
          }
        >
          <span className="break-words">{health.error}</span>
        </Notice>
      )
    case 'unknown':
      return (
        <p className="text-sm text-ink-2">
          A test connects as a chat of yours would, and lists the tools. They can then be turned off one by
          one.
        </p>
      )
  }
}

/** What a person can do about a failure. */
const ADVICE: Readonly<Record<string, string>> = {
  address_not_allowed:
    'Servers in private networks can be reached only in the ranges of CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS.',
  unreachable: 'Check the URL, and whether this deployment may reach it.',
  timeout: 'It took longer than 10 seconds.',
  not_connected: 'Connect your account first.',
  unauthorized: 'Check the key, the headers, or your connection.',
  insufficient_scope: 'Connect your account again: the server requires more scopes than it was granted.',
  protocol: 'Check the URL and the transport: the server there does not speak MCP this way.',
}

function Outcome({
  server,
  answer,
}: {
  readonly server: MCPServerConfig
  readonly answer: TestMCPServerConfigResponse
}) {
  const { error } = answer
  if (!answer.ok)
    return (
      <Notice tone="bad" title={`${server.display_name} cannot be used`}>
        <p className="break-words">{error?.message ?? 'It did not give a reason.'}</p>
        {error === undefined || ADVICE[error.code] === undefined ? null : <p>{ADVICE[error.code]}</p>}
      </Notice>
    )
  return (
    <>
      <Notice tone="ok" title={`${server.display_name} works`} />
      <Facts
        facts={[
          ['Tools', String(answer.tools.length)],
          ['Latency', formatDuration(answer.latency_ms)],
          ['Server', [answer.server_name, answer.server_version].filter((text) => text !== '').join(' ')],
          ['Protocol', answer.protocol_version],
        ]}
      />
    </>
  )
}

function Facts({ facts }: { readonly facts: readonly (readonly [label: string, value: string])[] }) {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm sm:grid-cols-4">
      {facts
        .filter(([, value]) => value !== '')
        .map(([label, value]) => (
          <div key={label} className="min-w-0">
            <dt className="text-xs text-ink-2">{label}</dt>
            <dd className="truncate tabular-nums" title={value}>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
    </dl>
  )
}
