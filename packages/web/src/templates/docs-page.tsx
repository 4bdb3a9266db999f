import { useQuery } from '@tanstack/react-query'
import { BookOpen } from 'lucide-react'

import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Markdown } from '../ui/markdown.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { versionQuery } from './queries.ts'
import { useTemplate } from './template-context.ts'

/** The README of the active version (UI-1002). */
export function DocsPage() {
  const { template, mayUpdate } = useTemplate()
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
        <div className="flex max-w-2xl flex-col gap-3">
          {['w-1/3', 'w-full', 'w-5/6', 'w-2/3'].map((width) => (
            <div key={width} className={`skeleton h-4 ${width}`} />
          ))}
        </div>
      </AfterDelay>
    )
  if (version.data.readme.trim() === '')
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState icon={BookOpen} title="This template says nothing about itself">
          {mayUpdate ? 'Add a README.md to the next version: it shows here.' : 'Ask its author for a README.'}
        </EmptyState>
      </div>
    )
  return (
    <article className="max-w-3xl rounded-card border border-line bg-surface px-5 py-5 sm:px-8 sm:py-7">
      <Markdown text={version.data.readme} />
    </article>
  )
}
