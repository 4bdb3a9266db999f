import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { Lock } from 'lucide-react'
import { useState } from 'react'

import { getTemplateAcl, getTemplateAclAvailable, type Template, updateTemplateAcl } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { searchWords } from '../organizations/queries.ts'
import { useCheck } from '../session/use-check.ts'
import { useTemplate } from '../templates/template-context.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Together } from '../ui/together.tsx'
import { useSettled } from '../ui/use-settled.ts'
import {
  AccessAdder,
  type AccessChange,
  type AccessEntry,
  AccessList,
  type AccessRole,
} from './access-list.tsx'
import { groupPrincipal, matching, userPrincipal } from './principals.ts'

const ROLES: readonly AccessRole[] = [
  { value: 'use', label: 'Use', about: 'See the template and create workspaces from it.' },
  {
    value: 'admin',
    label: 'Admin',
    about: 'Also change and delete it, publish versions, and see its insights.',
  },
]

const SETTLE_MS = 150
const FOUND = 20

/** `/templates/{template}/permissions`: whom the template is open to (UI-1007). */
export function TemplatePermissionsPage() {
  const { template, mayUpdate } = useTemplate()
  return mayUpdate ? (
    <Permissions key={template.id} template={template} />
  ) : (
    <EmptyState icon={Lock} title="You may not see whom this template is open to">
      Its permissions are visible to those who may update it.
    </EmptyState>
  )
}

function Permissions({ template }: { readonly template: Template }) {
  const params = { template: template.id }
  const key = ['template-acl', template.id]
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.call(getTemplateAcl, { params, signal }),
  })
  const check = useCheck('create', { resource_type: 'template', resource_id: template.id })
  const editable = check === true
  const [text, setText] = useState('')
  const wanted = useSettled(text, SETTLE_MS)
  const available = useQuery({
    queryKey: ['template-acl-available', template.id, wanted],
    queryFn: ({ signal }) =>
      api.call(getTemplateAclAvailable, { params, query: { q: searchWords(wanted), limit: FOUND }, signal }),
    enabled: editable,
    placeholderData: keepPreviousData,
  })
  const [closing, setClosing] = useState<AccessChange>()
  const save = useMutation({
    mutationFn: ({ principal, role }: AccessChange) =>
      api.call(updateTemplateAcl, {
        params,
        body:
          principal.kind === 'user'
            ? { user_perms: { [principal.id]: role } }
            : { group_perms: { [principal.id]: role } },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: key })
      setClosing(undefined)
    },
  })
  const entries = list.data === undefined ? undefined : entriesOf(list.data)
  const open = entries?.some(({ id }) => id === template.organization_id)
  const candidates = available.data
  const change = (wish: AccessChange) => {
    save.reset()
    // Closing the template to everyone is felt by many: it asks first.
    if (wish.role === '' && wish.principal.id === template.organization_id) setClosing(wish)
    else save.mutate(wish)
  }
  return (
    <Together queries={[list, { isLoading: check === undefined }]}>
      <Section
        title="Permissions"
        help="Who may use this template, in addition to administrators of the organization."
        flush
      >
        <div className="flex flex-col gap-3 px-4 py-3">
          {closing === undefined ? (
            <ErrorNotice error={save.error} title="The permissions were not changed" />
          ) : null}
          {open === undefined ? null : open ? (
            <Notice tone="info" title={`Open to everyone in ${template.organization_display_name}`}>
              Every member may create workspaces from it. Remove that row to limit it to those listed.
            </Notice>
          ) : (
            <Notice tone="warn" title="Open only to those listed">
              Other members do not see the template. Add the Everyone group to open it to all of them.
            </Notice>
          )}
          {editable ? (
            <AccessAdder
              roles={ROLES}
              text={text}
              onText={setText}
              found={
                candidates === undefined
                  ? undefined
                  : matching(text, candidates.groups.map(groupPrincipal), candidates.users.map(userPrincipal))
              }
              error={available.error}
              listed={new Set(entries?.map(({ id }) => id))}
              busy={save.isPending || entries === undefined}
              onAdd={change}
            />
          ) : null}
        </div>
        <div className="border-t border-line">
          {list.isError && entries === undefined ? (
            <div className="p-4">
              <ErrorNotice
                error={list.error}
                title="The permissions could not be read"
                onRetry={() => void list.refetch()}
              />
            </div>
          ) : (
            <AccessList
              label="Permissions"
              entries={entries}
              roles={ROLES}
              editable={editable}
              pending={save.isPending ? save.variables : undefined}
              onChange={change}
              empty={{
                title: 'Nobody is listed',
                text: 'Only administrators of the organization and template admins see this template.',
              }}
            />
          )}
        </div>
        <ConfirmDialog
          open={closing !== undefined}
          onClose={() => {
            setClosing(undefined)
            save.reset()
          }}
          title={`Close ${template.display_name === '' ? template.name : template.display_name} to everyone?`}
          description="Members who are not listed no longer see the template and cannot create workspaces from it. Existing workspaces stay, but may not be able to update."
          verb="Close it"
          busy={save.isPending}
          error={save.error}
          onConfirm={() => (closing === undefined ? undefined : save.mutate(closing))}
        />
      </Section>
    </Together>
  )
}

function entriesOf(acl: {
  readonly group: readonly (Parameters<typeof groupPrincipal>[0] & { readonly role: string })[]
  readonly users: readonly (Parameters<typeof userPrincipal>[0] & { readonly role: string })[]
}): readonly AccessEntry[] {
  const groups = acl.group.map((group) => ({ ...groupPrincipal(group), role: group.role }))
  const everyone = ({ id }: AccessEntry) =>
    acl.group.some((one) => one.id === id && one.organization_id === id)
  return [
    ...groups.filter(everyone),
    ...groups.filter((entry) => !everyone(entry)),
    ...acl.users.map((user) => ({ ...userPrincipal(user), role: user.role })),
  ]
}
