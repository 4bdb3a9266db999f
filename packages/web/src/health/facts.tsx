import type { ReactNode } from 'react'

import type { HealthcheckReport, HealthMessage, HealthSection } from '@slipway/contract'
import { TimeAgo } from '../ui/time-ago.tsx'

type Fact = readonly [label: string, value: ReactNode]

/** What a section has found, in words and figures. */
export function Facts({
  name,
  report,
}: {
  readonly name: HealthSection
  readonly report: HealthcheckReport
}) {
  const lists = listsOf(name, report)
  return (
    <>
      <FactList facts={factsOf(name, report)} />
      {lists.map(({ key, title, facts, warnings }) => (
        <section key={key} className="mt-4">
          <h3 className="text-sm font-medium [overflow-wrap:anywhere]">{title}</h3>
          <FactList facts={facts} />
          {warnings.map(({ code, message }) => (
            <p key={`${code} ${message}`} className="mt-2 text-sm text-warn">
              {message} <code className="text-xs text-ink-3">{code}</code>
            </p>
          ))}
        </section>
      ))}
    </>
  )
}

function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  if (facts.length === 0) return null
  return (
    <dl className="mt-2 divide-y divide-line rounded-card border border-line bg-surface text-sm">
      {facts.map(([label, value]) => (
        <div key={label} className="flex flex-wrap gap-x-4 gap-y-0.5 px-4 py-2">
          <dt className="w-44 shrink-0 text-ink-2">{label}</dt>
          <dd className="min-w-0 flex-1 basis-40 [overflow-wrap:anywhere]">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function factsOf(name: HealthSection, report: HealthcheckReport): readonly Fact[] {
  switch (name) {
    case 'AccessURL': {
      const { access_url, reachable, status_code } = report.access_url
      return [
        ['Access URL', <code key="url">{access_url === '' ? 'Not set' : access_url}</code>],
        ['Reachable', reachable ? 'Yes' : 'No'],
        ['Status of /healthz', status_code === 0 ? 'No answer' : status_code],
      ]
    }
    case 'Database': {
      const { reachable, latency, threshold_ms } = report.database
      return [
        ['Reachable', reachable ? 'Yes' : 'No'],
        ['Median latency', reachable ? latency.replace(/(?<=\d)(?=[a-zµ])/, ' ') : 'Unknown'],
        ['Warning threshold', `${threshold_ms} ms`],
      ]
    }
    case 'DERP':
      return [
        ['Regions', Object.keys(report.derp.regions).length],
        ['Notes', report.derp.netcheck_logs.join(' ') || 'None'],
      ]
    case 'Websocket': {
      const { code, body } = report.websocket
      const facts: Fact[] = [['Status of the handshake', code === 0 ? 'No answer' : code]]
      return body === '' ? facts : [...facts, ['Answer', <code key="body">{body}</code>]]
    }
    case 'WorkspaceProxy':
      return [['Proxies', report.workspace_proxy.workspace_proxies.regions.length]]
    case 'ProvisionerDaemons':
      return [['Seen within 90 seconds', report.provisioner_daemons.items.length]]
    case 'AIGateway': {
      const { enabled, records } = report.ai_gateway
      return [
        ['Gateway', enabled ? 'On' : 'Off'],
        ['Database for records', records.database_away ? 'Away' : 'Answers'],
        [
          'Records waiting',
          `${records.waiting_characters} characters in memory, ${records.waiting_bytes} bytes on disk`,
        ],
        ['Records lost since the start', records.lost],
      ]
    }
  }
}

interface Listed {
  readonly key: string
  readonly title: string
  readonly facts: readonly Fact[]
  readonly warnings: readonly HealthMessage[]
}

function listsOf(name: HealthSection, report: HealthcheckReport): readonly Listed[] {
  if (name === 'ProvisionerDaemons')
    return report.provisioner_daemons.items.map(({ provisioner_daemon: daemon, warnings }) => ({
      key: daemon.id,
      title: daemon.name,
      warnings,
      facts: [
        ['Version', daemon.version],
        ['API version', daemon.api_version],
        [
          'Last seen',
          daemon.last_seen_at === undefined ? 'Never' : <TimeAgo key="seen" time={daemon.last_seen_at} />,
        ],
      ],
    }))
  if (name === 'AIGateway')
    return report.ai_gateway.providers.map((provider) => ({
      key: provider.name,
      title: provider.display_name,
      warnings: [],
      facts: [
        [
          'Status',
          provider.status_detail === '' ? provider.status : `${provider.status}: ${provider.status_detail}`,
        ],
        ['Keys', `${provider.keys}, of which ${provider.keys_resting} are resting for now`],
        ['Open circuit breakers', provider.circuits.filter(({ state }) => state === 'open').length],
      ],
    }))
  return []
}
