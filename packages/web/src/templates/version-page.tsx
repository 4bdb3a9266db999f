import { useQuery } from '@tanstack/react-query'
import { SearchX } from 'lucide-react'

import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { JobLog } from '../workspaces/build-log.tsx'
import { jobLook } from '../workspaces/workspace-look.ts'
import { templateTitle, versionByNameQuery } from './queries.ts'
import { useTemplate } from './template-context.ts'

/** One version: how its import went. */
export function VersionPage() {
  const { template } = useTemplate()
  const several = useSeveralOrganizations()
  const name = useRouteParam('version')
  const question = useQuery(versionByNameQuery(template.id, name))
  const version = question.data
  const back = paths.template(template, several, 'versions')
  if (version === undefined) {
    if (!question.isError)
      return (
        <AfterDelay>
          <div className="skeleton h-96 rounded-card" />
        </AfterDelay>
      )
    return statusOf(question.error) === 404 ? (
      <EmptyState icon={SearchX} title={`There is no version ${name}`}>
        <AppLink className="link" href={back}>
          See all versions
        </AppLink>
      </EmptyState>
    ) : (
      <ErrorNotice error={question.error} onRetry={() => void question.refetch()} />
    )
  }
  const running =
    version.job.status === 'pending' || version.job.status === 'running' || version.job.status === 'canceling'
  return (
    <div className="flex flex-col gap-4">
      <Breadcrumbs
        above={[
          { label: 'Templates', href: paths.templates() },
          { label: templateTitle(template), href: paths.template(template, several) },
          { label: 'Versions', href: back },
        ]}
        here={version.name}
      />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="text-lg font-semibold">{version.name}</h2>
        <StateBadge look={jobLook(version.job.status)} since={version.job.started_at ?? version.created_at} />
        {version.id === template.active_version_id ? <Mark>Active</Mark> : null}
        <span className="text-sm text-ink-2">
          {version.created_by.username}, <TimeAgo time={version.created_at} />
        </span>
      </div>
      {version.message === '' ? null : (
        <p className="whitespace-pre-wrap text-sm text-ink-2">{version.message}</p>
      )}
      {version.job.error === undefined || version.job.error === '' ? null : (
        <Notice tone="bad" title={`Import failed: ${version.job.error}`} />
      )}
      <div className="overflow-hidden rounded-card border border-line">
        <JobLog
          key={version.id}
          of={{ kind: 'version', id: version.id }}
          running={running}
          fileName={`${template.name}-${version.name}.log`}
          height="max(320px, calc(100dvh - 360px))"
        />
      </div>
    </div>
  )
}
