import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'

import { getHealth, type HealthcheckReport, updateHealthSettings } from '@slipway/contract'
import { api } from '../api/client.ts'
import { NotFoundPage } from '../frame/not-found-page.tsx'
import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { CopyButton } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { Facts } from './facts.tsx'
import { healthQuery } from './queries.ts'
import { SECTIONS, type SectionPlace, severityLook } from './sections.ts'

/** How well the deployment is, section by section (UI-1407). */
export function HealthPage() {
  const permissions = usePermissions()
  const pathname = usePathname()
  const place = SECTIONS.find(({ path }) => pathname === paths.health(path))
  if (permissions === undefined) return <PageSkeleton />
  if (!permissions.viewDebugInfo)
    return <NoPermission what="see the health of the deployment" permission="viewDebugInfo" />
  if (place === undefined) return <NotFoundPage />
  return <Health place={place} mayDismiss={permissions.editDeploymentConfig} />
}

function Health({ place, mayDismiss }: { readonly place: SectionPlace; readonly mayDismiss: boolean }) {
  const client = useQueryClient()
  const report = useQuery(healthQuery)
  const again = useMutation({
    mutationFn: () => api.call(getHealth, { query: { force: true } }),
    onSuccess: (made) => client.setQueryData(healthQuery.queryKey, made),
  })
  if (report.isPending) return <PageSkeleton />
  const { data } = report
  return (
    <Page>
      <PageHeader
        title="Health"
        documentTitle={`${place.label} - Health`}
        {...(data === undefined
          ? {}
          : {
              badge: <StateBadge look={severityLook(data.severity, false)} />,
              context: (
                <>
                  Checked <TimeAgo time={data.time} />, version {data.coder_version}
                </>
              ),
            })}
        actions={
          <>
            {data === undefined ? null : (
              <CopyButton text={JSON.stringify(data, null, 2)} label="Copy the report as JSON" />
            )}
            <Button
              tone="primary"
              busy={again.isPending}
              icon={<RefreshCw className="size-3.5" aria-hidden="true" />}
              onClick={() => again.mutate()}
            >
              Run again
            </Button>
          </>
        }
      />
      <ErrorNotice
        error={again.error ?? report.error}
        title="The report could not be made"
        onRetry={() => again.mutate()}
      />
      {data === undefined ? null : (
        <div className="mt-2 lg:flex lg:gap-8">
          <SectionLinks report={data} />
          <Section place={place} report={data} mayDismiss={mayDismiss} />
        </div>
      )}
    </Page>
  )
}

function SectionLinks({ report }: { readonly report: HealthcheckReport }) {
  const pathname = usePathname()
  return (
    <nav aria-label="Health" className="mb-6 lg:mb-0 lg:w-60 lg:shrink-0">
      <ul className="flex flex-col">
        {SECTIONS.map(({ path, label, of }) => {
          const { severity, dismissed } = of(report)
          return (
            <li key={path}>
              <AppLink
                href={paths.health(path)}
                aria-current={pathname === paths.health(path) ? 'page' : undefined}
                className="flex min-h-8 items-center justify-between gap-3 rounded-control px-2.5 text-sm text-ink-2 hover:bg-hover hover:text-ink aria-[current=page]:bg-hover aria-[current=page]:text-ink pointer-coarse:min-h-11"
              >
                <span className={classNames('font-medium', dismissed && 'text-ink-3')}>{label}</span>
                <StateBadge look={severityLook(severity, dismissed)} />
              </AppLink>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}

function Section({
  place,
  report,
  mayDismiss,
}: {
  readonly place: SectionPlace
  readonly report: HealthcheckReport
  readonly mayDismiss: boolean
}) {
  const client = useQueryClient()
  const { severity, error, warnings, dismissed } = place.of(report)
  const change = useMutation({
    mutationFn: () => {
      const now = SECTIONS.filter(({ of }) => of(report).dismissed).map(({ name }) => name)
      const next = dismissed ? now.filter((name) => name !== place.name) : [...now, place.name]
      return api.call(updateHealthSettings, { body: { dismissed_healthchecks: next } })
    },
    onSettled: () => client.invalidateQueries({ queryKey: healthQuery.queryKey }),
  })
  return (
    <section aria-label={place.label} className="min-w-0 flex-1">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="text-base font-semibold">{place.label}</h2>
        <StateBadge look={severityLook(severity, dismissed)} />
        {dismissed ? <span className="text-sm text-ink-3">Muted</span> : null}
        {mayDismiss ? (
          <Button size="dense" className="ml-auto" busy={change.isPending} onClick={() => change.mutate()}>
            {dismissed ? 'Unmute warnings' : 'Mute warnings'}
          </Button>
        ) : null}
      </div>
      <p className="mt-1 mb-4 text-sm text-ink-2">{place.about}.</p>
      <div className="mb-4 flex flex-col gap-2 empty:hidden">
        <ErrorNotice error={change.error} title="The change was not stored" />
        {error === undefined ? null : <Notice tone={dismissed ? 'info' : 'bad'} title={error} />}
        {warnings.map(({ code, message }) => (
          <Notice
            key={`${code} ${message}`}
            tone={dismissed || severity === 'ok' ? 'info' : 'warn'}
            title={message}
          >
            <code className="text-xs">{code}</code>
          </Notice>
        ))}
      </div>
      <Facts name={place.name} report={report} />
    </section>
  )
}
