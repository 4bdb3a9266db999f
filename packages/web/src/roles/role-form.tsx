import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { type AssignableRoles, createCustomRole, updateCustomRole } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { count, roleTitle } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Mark, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { Matrix } from './matrix.tsx'
import {
  actionLabel,
  beyond,
  permissionsOf,
  resourceLabel,
  splitRefusals,
  type Word,
} from './permission-matrix.ts'
import { grantableQuery } from './queries.ts'

type Level = 'organization' | 'member'

const ASSIGNERS = [
  { role: 'organization-user-admin', label: 'User admins of the organization' },
  { role: 'user-admin', label: 'User admins of the deployment' },
] as const

/** A role of the organization, new or to be changed: names, permissions on two levels, who may give it (RB-34…RB-39, RB-136). */
export function RoleForm({ role }: { readonly role?: AssignableRoles }) {
  const { organization } = useOrganization()
  const go = useGo()
  const online = useOnline()
  const known = useQuery(grantableQuery(organization.id))
  const stored = {
    organization: splitRefusals(role?.organization_permissions ?? []),
    member: splitRefusals(role?.organization_member_permissions ?? []),
  }
  const [name, setName] = useState(role?.name ?? '')
  const [displayName, setDisplayName] = useState(role?.display_name ?? '')
  const [chosen, setChosen] = useState<Readonly<Record<Level, ReadonlySet<Word>>>>({
    organization: stored.organization.granted,
    member: stored.member.granted,
  })
  const [assigners, setAssigners] = useState<readonly string[]>(role?.assignable_by ?? [])
  const [level, setLevel] = useState<Level>('organization')
  const refused = [...stored.organization.refused, ...stored.member.refused]
  const strange = [
    ...new Set([
      ...beyond(chosen.organization, known.data ?? []),
      ...beyond(chosen.member, known.data ?? []),
    ]),
  ]
  const save = useMutation({
    mutationFn: () =>
      api.call(role === undefined ? createCustomRole : updateCustomRole, {
        params: { organization: organization.id },
        body: {
          name: name.trim(),
          display_name: displayName.trim(),
          assignable_by: [...assigners],
          organization_permissions: [...permissionsOf(chosen.organization), ...stored.organization.refused],
          organization_member_permissions: [...permissionsOf(chosen.member), ...stored.member.refused],
        },
      }),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ['organization-roles', organization.id] })
      void queries.invalidateQueries({ queryKey: ['permissions'] })
      void queries.invalidateQueries({ queryKey: ['organization-permissions'] })
      go(paths.organizationPage(organization.name, 'roles'), { replace: role === undefined })
      toasts.done(`${roleTitle(saved)} saved`)
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const total = chosen.organization.size + chosen.member.size
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice
        error={save.error}
        title={role === undefined ? 'The role was not created' : 'The role was not saved'}
      />
      <Section title="Role">
        <div className="grid gap-5 sm:grid-cols-2">
          <Field
            label="Name"
            error={fieldError(save.error, 'name')}
            help={
              role === undefined
                ? 'At most 32 letters, digits and single hyphens. It cannot be changed later.'
                : 'Its name in claims and the API. It cannot be changed.'
            }
          >
            {(field) => (
              <TextInput
                {...field}
                required
                autoFocus={role === undefined}
                readOnly={role !== undefined}
                spellCheck={false}
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field
            label="Display name"
            error={fieldError(save.error, 'display_name')}
            help="Shown to people. Leave empty to use the name."
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="off"
                value={displayName}
                onChange={(event) => setDisplayName(event.target.value)}
              />
            )}
          </Field>
        </div>
      </Section>
      <Section
        title="Permissions"
        help="You can grant what you may do yourself across the organization."
        flush
      >
        <div className="flex flex-col gap-3 px-4 py-3">
          <Segmented
            label="Where the permissions apply"
            value={level}
            onChange={setLevel}
            options={[
              { id: 'organization', label: 'On everything', count: chosen.organization.size },
              { id: 'member', label: 'Only on what they own', count: chosen.member.size },
            ]}
          />
          <p className="text-sm text-ink-2">
            {level === 'organization'
              ? `Holders may do this to everything in ${organization.display_name}, whoever owns it.`
              : 'Holders may do this to what they own themselves, such as their workspaces.'}
          </p>
          {strange.length === 0 || known.data === undefined ? null : (
            <Notice tone="warn" title="The role has permissions that you do not have">
              It can be saved without them only: {strange.map(spell).join(', ')}.
            </Notice>
          )}
        </div>
        {known.data === undefined ? (
          known.isError ? (
            <div className="px-4 pb-4">
              <ErrorNotice
                error={known.error}
                title="The permissions could not be read"
                onRetry={() => void known.refetch()}
              />
            </div>
          ) : (
            <AfterDelay>
              <div className="skeleton mx-4 mb-4 h-96" />
            </AfterDelay>
          )
        ) : (
          <Matrix
            key={level}
            label="Permissions"
            known={known.data}
            chosen={chosen[level]}
            onChange={(next) => setChosen({ ...chosen, [level]: next })}
          />
        )}
      </Section>
      {refused.length === 0 ? null : (
        <Section
          title="Refuses"
          help="Whatever other roles allow. It cannot be changed here; only owners can save such a role."
        >
          <div className="flex flex-wrap gap-1.5">
            {refused.map((one) => (
              <Mark key={`${one.resource_type} ${one.action}`}>
                {spell(`${one.resource_type}:${one.action}`)}
              </Mark>
            ))}
          </div>
        </Section>
      )}
      <Section
        title="Who else may assign it"
        help="Administrators of the organization and owners always can."
      >
        <div className="flex flex-col gap-3.5">
          {ASSIGNERS.map((assigner) => (
            <LabelledToggle
              key={assigner.role}
              kind="checkbox"
              label={assigner.label}
              checked={assigners.includes(assigner.role)}
              onChange={(on) =>
                setAssigners(
                  on ? [...assigners, assigner.role] : assigners.filter((one) => one !== assigner.role),
                )
              }
            />
          ))}
          {fieldError(save.error, 'assignable_by') === undefined ? null : (
            <p className="text-xs text-bad">{fieldError(save.error, 'assignable_by')}</p>
          )}
        </div>
      </Section>
      <div className="sticky bottom-0 z-20 -mx-4 flex flex-wrap items-center justify-end gap-x-4 gap-y-2 border-t border-line bg-bg px-4 py-3 sm:-mx-6 sm:px-6 lg:mx-0 lg:px-0">
        <span className="text-sm text-ink-2" aria-live="polite">
          {total === 0 ? 'No permissions chosen' : `${count(total, 'permission')} chosen`}
        </span>
        <span className="flex gap-2">
          <AppLink href={paths.organizationPage(organization.name, 'roles')} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online}>
            {role === undefined ? 'Create role' : 'Save role'}
          </Button>
        </span>
      </div>
    </form>
  )
}

function spell(word: Word): string {
  const [type = '', action = ''] = word.split(':')
  return `${actionLabel(action)}: ${resourceLabel(type)}`
}
