import { useQuery } from '@tanstack/react-query'
import { Boxes, LayoutTemplate } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Template } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { templatesQuery, templateTitle } from '../templates/queries.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'

/** So many templates are offered at once. */
const TOP = 3

/** In the place of the first workspace: the templates that most people use, or who can make one (UI-705). */
export function NoWorkspaces({ onChoose }: { readonly onChoose: () => void }) {
  const permissions = usePermissions()
  const templates = useQuery(templatesQuery(''))
  const usable = templates.data?.filter(({ deprecated }) => !deprecated)
  const top = usable?.toSorted((a, b) => b.active_user_count - a.active_user_count).slice(0, TOP)
  if (permissions?.createWorkspace !== true)
    return (
      <Nothing>
        Your roles do not let you create one. Ask an administrator, or somebody who shares theirs with you.
      </Nothing>
    )
  if (top === undefined)
    return templates.isError ? (
      <div className="p-4">
        <ErrorNotice
          error={templates.error}
          title="The templates could not be read"
          onRetry={() => void templates.refetch()}
        />
      </div>
    ) : (
      <AfterDelay>
        <div className="skeleton m-4 h-52 rounded-card" />
      </AfterDelay>
    )
  if (top.length === 0)
    return permissions.createTemplates ? (
      <Nothing
        action={
          <AppLink href={paths.newTemplate()} className={buttonClass({ tone: 'primary' })}>
            <LayoutTemplate className="size-4" strokeWidth={1.75} /> Create a template
          </AppLink>
        }
      >
        Workspaces are created from templates, and there is none yet. A template says what a workspace
        consists of.
      </Nothing>
    ) : (
      <Nothing>
        Workspaces are created from templates, and there is none that you may use. Ask an administrator of
        this deployment to add one.
      </Nothing>
    )
  const more = (usable?.length ?? 0) - top.length
  return (
    <Nothing
      action={
        <div className="flex w-[min(30rem,calc(100vw-5rem))] flex-col gap-3">
          <ul className="flex flex-col rounded-card border border-line text-left">
            {top.map((template) => (
              <Offer key={template.id} template={template} />
            ))}
          </ul>
          {more > 0 ? (
            <Button tone="quiet" className="self-center" onClick={onChoose}>
              {more === 1 ? 'Show one more template' : `Show ${more} more templates`}
            </Button>
          ) : null}
        </div>
      }
    >
      A workspace is a machine of your own, created from a template: a shell, your files, and your team’s
      tools.
    </Nothing>
  )
}

function Nothing({ children, action }: { readonly children: ReactNode; readonly action?: ReactNode }) {
  return (
    <EmptyState icon={Boxes} title="No workspaces yet" action={action}>
      {children}
    </EmptyState>
  )
}

function Offer({ template }: { readonly template: Template }) {
  const several = useSeveralOrganizations()
  const title = templateTitle(template)
  return (
    <li className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2.5 last:border-b-0">
      <ThingIcon src={template.icon} className="size-5" />
      <span className="min-w-0 flex-1 basis-40">
        <span className="block truncate text-sm font-medium">
          {title}
          {several ? (
            <span className="font-normal text-ink-3"> {template.organization_display_name}</span>
          ) : null}
        </span>
        {template.description === '' ? null : (
          <span className="block truncate text-xs text-ink-2">{template.description}</span>
        )}
      </span>
      <AppLink
        href={paths.template(template, several, 'workspace')}
        aria-label={`Create workspace from ${title}`}
        className={`${buttonClass({})} max-sm:w-full`}
      >
        Create workspace
      </AppLink>
    </li>
  )
}
