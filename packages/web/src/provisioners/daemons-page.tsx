import { useQuery } from '@tanstack/react-query'
import { ServerCog } from 'lucide-react'

import type { ProvisionerDaemon } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { buildInfoQuery } from '../session/queries.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { LabelledToggle, Mark } from '../ui/form.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { jobLook } from '../workspaces/workspace-look.ts'
import { ListFrame, NoneLikeThat } from './list-frame.tsx'
import { daemonLook } from './provisioner-words.ts'
import { daemonsQuery } from './queries.ts'
import { Tags } from './tags.tsx'

/** `/organizations/{org}/provisioners`: what builds templates and workspaces (UI-1402, PR-20). */
export function DaemonsPage() {
  const { organization, may } = useOrganization()
  const [search, change] = useAddress()
  const { ids, tags, offline } = search
  const open = may.viewProvisioners && may.viewProvisionerJobs
  const list = useQuery({
    ...daemonsQuery(organization.id, search),
    enabled: open,
  })
  const version = useQuery(buildInfoQuery).data?.version
  const narrowed = ids !== undefined || tags !== undefined
  return (
    <OrganizationPage
      page="provisioners"
      lack={open ? undefined : { what: 'see the provisioners', permission: 'provisioner_jobs:read' }}
    >
      <ListFrame
        about="Provisioners import templates and build workspaces. A job goes to one that has all of its tags."
        control={
          <LabelledToggle
            kind="switch"
            label="Show offline"
            checked={offline === 'true'}
            onChange={(on) => change({ offline: on ? 'true' : undefined })}
          />
        }
        failure="The provisioners could not be read"
        list={list}
      >
        <Table
          label="Provisioners"
          columns={columns({
            organization: organization.name,
            version,
            onTags: (wanted) => change({ tags: JSON.stringify(wanted) }),
          })}
          rows={list.data}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.name}
          stale={list.isPlaceholderData}
          empty={
            narrowed ? (
              <NoneLikeThat icon={ServerCog} title="No provisioner matches" />
            ) : (
              <EmptyState icon={ServerCog} title="No provisioners">
                Jobs wait until one comes. The server brings some along unless it was started with{' '}
                <code>--provisioner-daemons 0</code>.
              </EmptyState>
            )
          }
        />
      </ListFrame>
    </OrganizationPage>
  )
}

function columns({
  organization,
  version,
  onTags,
}: {
  readonly organization: string
  readonly version: string | undefined
  readonly onTags: (tags: Readonly<Record<string, string>>) => void
}): readonly Column<ProvisionerDaemon>[] {
  return [
    {
      id: 'name',
      header: 'Provisioner',
      cell: (row) => (
        <span className="flex min-w-0 flex-col">
          <AppLink
            href={paths.provisioners(organization, { ids: row.id })}
            className="truncate font-medium hover:text-accent"
          >
            <bdi>{row.name}</bdi>
          </AppLink>
          <span className="truncate text-xs text-ink-2">
            {row.provisioners.join(', ')}
            {row.key_name === undefined ? '' : `, key ${row.key_name}`}
          </span>
        </span>
      ),
    },
    {
      id: 'status',
      header: 'State',
      cell: (row) => <StateBadge look={daemonLook(row.status)} />,
    },
    {
      id: 'job',
      header: 'Job',
      from: 'md',
      cell: (row) => <JobOf daemon={row} organization={organization} />,
    },
    {
      id: 'tags',
      header: 'Tags',
      cell: (row) => <Tags tags={row.tags} onChoose={onTags} />,
    },
    {
      id: 'version',
      header: 'Version',
      from: 'xl',
      cell: (row) => (
        <span className="flex items-center gap-1.5 whitespace-nowrap text-ink-2">
          <code className="text-xs">{row.version}</code>
          {version === undefined || row.version === version ? null : <Mark>Another version</Mark>}
        </span>
      ),
    },
    {
      id: 'seen',
      header: 'Last seen',
      from: 'lg',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.last_seen_at} />
        </span>
      ),
    },
  ]
}

/** What it works on, or worked on last. */
function JobOf({
  daemon: { current_job: current, previous_job: previous },
  organization,
}: {
  readonly daemon: ProvisionerDaemon
  readonly organization: string
}) {
  const job = current ?? previous
  if (job === undefined) return <span className="text-ink-3">None yet</span>
  return (
    <span className="flex flex-col">
      <AppLink
        href={paths.provisionerJobs(organization, { ids: job.id })}
        className="max-w-40 truncate hover:text-accent"
      >
        {job.template_display_name || job.template_name || job.id.slice(0, 8)}
      </AppLink>
      <span className="whitespace-nowrap text-xs text-ink-2">
        {current === undefined
          ? `Last: ${jobLook(job.status).label.toLowerCase()}`
          : jobLook(job.status).label}
      </span>
    </span>
  )
}
