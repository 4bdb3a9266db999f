import { useQuery } from '@tanstack/react-query'
import { ChevronRight, LayoutTemplate } from 'lucide-react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { templatesQuery } from '../templates/queries.ts'
import { buttonClass } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'

/** The first step of making a workspace: from which template. Read only when it opens (UI-701). */
export function NewWorkspaceDialog({ onClose }: { readonly onClose: () => void }) {
  const templates = useQuery(templatesQuery(''))
  const several = useSeveralOrganizations()
  const permissions = usePermissions()
  const usable = templates.data?.filter((template) => !template.deprecated)
  return (
    <Dialog
      open
      onClose={onClose}
      title="New workspace"
      description="Choose a template to create it from."
      wide
    >
      <ErrorNotice
        error={templates.error}
        title="The templates could not be read"
        onRetry={() => void templates.refetch()}
      />
      {usable === undefined ? (
        templates.isError ? null : (
          <AfterDelay>
            <div className="flex flex-col gap-2">
              {[0, 1, 2].map((row) => (
                <div key={row} className="skeleton h-14 rounded-card" />
              ))}
            </div>
          </AfterDelay>
        )
      ) : usable.length === 0 ? (
        <EmptyState
          icon={LayoutTemplate}
          title="No templates yet"
          action={
            permissions?.createTemplates === true ? (
              <AppLink href={paths.newTemplate()} className={buttonClass({ tone: 'primary' })}>
                Create a template
              </AppLink>
            ) : null
          }
        >
          {permissions?.createTemplates === true
            ? 'A template defines what a workspace consists of.'
            : 'Ask an administrator of this deployment to add one.'}
        </EmptyState>
      ) : (
        <ul className="-mx-2 flex flex-col">
          {usable.map((template) => (
            <li key={template.id}>
              <AppLink
                href={paths.template(template, several, 'workspace')}
                className="group flex items-center gap-3 rounded-card px-2 py-2.5 hover:bg-hover"
              >
                <span className="inline-flex size-9 shrink-0 items-center justify-center rounded-control border border-line bg-surface">
                  <ThingIcon src={template.icon} className="size-5" />
                </span>
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-medium">
                    {template.display_name === '' ? template.name : template.display_name}
                    {several ? (
                      <span className="font-normal text-ink-3"> {template.organization_display_name}</span>
                    ) : null}
                  </span>
                  <span className="line-clamp-2 text-sm text-ink-2">
                    {template.description === '' ? 'No description' : template.description}
                  </span>
                </span>
                <ChevronRight
                  className="size-4 shrink-0 text-ink-3 group-hover:text-ink"
                  aria-hidden="true"
                />
              </AppLink>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  )
}
