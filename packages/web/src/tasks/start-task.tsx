import { useQuery } from '@tanstack/react-query'
import { Bot } from 'lucide-react'

import type { Template } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { templatesQuery } from '../templates/queries.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { NewTaskForm } from './new-task-form.tsx'

/** Where a task is started, or why none can be. */
export function StartTask({ wanted }: { readonly wanted: string | undefined }) {
  const user = useUser()
  const permissions = usePermissions()
  const templates = useQuery(templatesQuery('has-ai-task:true'))
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
  const [first, ...rest] = usable(templates.data, user.organization_ids)
  if (first !== undefined) return <NewTaskForm templates={[first, ...rest]} wanted={wanted} />
  const author = permissions?.createTemplates === true
  return (
    <div className="rounded-card border border-line bg-surface">
      <EmptyState
        icon={Bot}
        title="No template makes tasks yet"
        action={
          author ? (
            <AppLink href={paths.templates()} className={buttonClass({})}>
              Go to templates
            </AppLink>
          ) : undefined
        }
      >
        {author
          ? 'A template makes tasks when it says which app carries them out.'
          : 'Ask an administrator of this deployment for a template that says which app carries tasks out.'}
      </EmptyState>
    </div>
  )
}

/** Templates of the viewer's own organizations that are still to be used. */
function usable(templates: readonly Template[], organizations: readonly string[]): Template[] {
  return templates.filter(({ deprecated, organization_id: id }) => !deprecated && organizations.includes(id))
}
