import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Bot } from 'lucide-react'

import type { Template } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { templatesQuery } from '../templates/queries.ts'
import { buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { NewTaskForm } from './new-task-form.tsx'

/** Where a task is started, or why none can be. */
export function StartTask({ wanted }: { readonly wanted: string | undefined }) {
  const permissions = usePermissions()
  const { templates, usable } = useTaskTemplates()
  if (templates.data === undefined)
    return templates.isError ? (
      <ErrorNotice
        error={templates.error}
        title="The templates for tasks could not be read"
        onRetry={() => void templates.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="skeleton h-32 rounded-dialog" aria-busy="true" />
      </AfterDelay>
    )
  const [first, ...rest] = usable
  if (first !== undefined) return <NewTaskForm templates={[first, ...rest]} wanted={wanted} />
  const author = permissions?.createTemplates === true
  return (
    <div className="flex min-h-32 items-center gap-4 rounded-card border border-line bg-surface px-4 py-3">
      <span className="inline-flex size-10 shrink-0 items-center justify-center rounded-card border border-line bg-bg text-ink-3 max-sm:self-start">
        <Bot className="size-5" strokeWidth={1.5} aria-hidden="true" />
      </span>
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-60">
          <h2 className="text-base font-medium">No template makes tasks yet</h2>
          <p className="text-sm text-ink-2">
            {author
              ? 'A template makes tasks when it says which app carries them out.'
              : 'Ask an administrator of this deployment for a template that says which app carries tasks out.'}
          </p>
        </div>
        {author ? (
          <AppLink href={paths.templates()} className={buttonClass({})}>
            Go to templates
          </AppLink>
        ) : null}
      </div>
    </div>
  )
}

/** Templates that make tasks; `usable` are those of the viewer's own organizations that are still to be used. */
export function useTaskTemplates(): {
  readonly templates: UseQueryResult<Template[]>
  readonly usable: readonly Template[]
} {
  const { organization_ids: organizations } = useUser()
  const templates = useQuery(templatesQuery('has-ai-task:true'))
  return {
    templates,
    usable: (templates.data ?? []).filter(
      ({ deprecated, organization_id: id }) => !deprecated && organizations.includes(id),
    ),
  }
}
