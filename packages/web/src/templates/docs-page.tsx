import { useQuery } from '@tanstack/react-query'
import { BookOpen } from 'lucide-react'

import type { Template } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { formatDuration } from '../ui/duration.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Markdown } from '../ui/markdown.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { versionQuery } from './queries.ts'
import { useTemplate } from './template-context.ts'

/** The README of the active version (UI-1002). */
export function DocsPage() {
  const { template, mayUpdate } = useTemplate()
  const { isPending } = useQuery(versionQuery(template.active_version_id))
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_280px]">
      <div className="min-w-0">
        <Readme template={template} mayUpdate={mayUpdate} />
      </div>
      {/* Under the README on phones, which would push it away. */}
      {isPending ? null : (
        <aside className="flex min-w-0 flex-col gap-4" aria-label="About this template">
          <Details template={template} />
          {template.deprecated ? null : (
            <Section title="Command line">
              <CopyableCode code={`slipway create -t ${template.name}`} label="Copy the command" />
            </Section>
          )}
        </aside>
      )}
    </div>
  )
}

function Details({ template }: { readonly template: Template }) {
  const several = useSeveralOrganizations()
  const version = useQuery(versionQuery(template.active_version_id))
  return (
    <Section title="Details">
      <DetailList>
        <Detail label="Version">
          <AppLink
            href={paths.template(template, several, 'versions')}
            className="text-ink hover:text-accent hover:underline"
          >
            {version.data?.name ?? 'All versions'}
          </AppLink>
        </Detail>
        <Detail label="Updated">
          <TimeAgo time={template.updated_at} />
        </Detail>
        <Detail label="Author">
          <bdi>{template.created_by_name}</bdi>
        </Detail>
        <Detail label="Stops after">
          {template.default_ttl_ms > 0 ? formatDuration(template.default_ttl_ms) : 'never'}
        </Detail>
      </DetailList>
    </Section>
  )
}

function Readme({ template, mayUpdate }: { readonly template: Template; readonly mayUpdate: boolean }) {
  const version = useQuery(versionQuery(template.active_version_id))
  if (version.data === undefined)
    return version.isError ? (
      <ErrorNotice
        error={version.error}
        title="The README could not be read"
        onRetry={() => void version.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="flex flex-col gap-3 rounded-card border border-line bg-surface p-8">
          {['w-1/3', 'w-full', 'w-5/6', 'w-2/3'].map((width) => (
            <div key={width} className={`skeleton h-4 ${width}`} />
          ))}
        </div>
      </AfterDelay>
    )
  if (version.data.readme.trim() === '')
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState icon={BookOpen} title="This template has no README">
          {mayUpdate ? 'Add a README.md to the next version to show it here.' : 'Ask its author to add one.'}
        </EmptyState>
      </div>
    )
  return (
    <article className="rounded-card border border-line bg-surface px-5 py-5 sm:px-8 sm:py-7">
      <Markdown text={version.data.readme} />
    </article>
  )
}
