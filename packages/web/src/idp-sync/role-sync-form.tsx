import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { explainRoleSync, type RoleSyncSettings, updateRoleSync } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { roleTitle } from '../organizations/role-words.ts'
import { rolesQuery } from '../roles/queries.ts'
import { toasts } from '../ui/toast.tsx'
import { inOrder, type Mapping, sent } from './mapping.ts'
import { roleSyncQuery } from './queries.ts'
import { SyncForm } from './sync-form.tsx'
import { useKnownClaims } from './use-known-claims.ts'

/** Which roles in the organization a claim gives. */
export function RoleSyncForm({ stored }: { readonly stored: RoleSyncSettings }) {
  const { organization, may } = useOrganization()
  const params = { organization: organization.id }
  const [values, setValues] = useState<{ readonly field: string; readonly mapping: Mapping }>({
    field: stored.field,
    mapping: inOrder(stored.mapping),
  })
  const roles = useQuery({ ...rolesQuery(organization.id), enabled: may.viewOrgRoles })
  const known = useKnownClaims(values.field, organization.id)
  const settings = { field: values.field.trim(), mapping: sent(values.mapping) }
  const save = useMutation({
    mutationFn: () => api.call(updateRoleSync, { params, body: settings }),
    onSuccess: (saved) => {
      queries.setQueryData(roleSyncQuery(organization.id).queryKey, saved)
      toasts.done('Role sync saved')
    },
  })
  return (
    <SyncForm
      what="role"
      about="Its values decide which roles a member has here, at every sign-in with OpenID Connect. Roles cannot be assigned by hand then."
      otherwise="A value that is not mapped means the role of that name."
      values={values}
      onChange={setValues}
      targets={roles.data?.map((role) => ({ id: role.name, label: roleTitle(role) }))}
      known={known}
      locked={!may.editIdpSyncSettings}
      saving={save.isPending}
      error={save.error}
      onSave={() => save.mutate()}
      exported={{ file: `idp-sync-roles-${organization.name}.json`, settings }}
      explain={(trial) => api.call(explainRoleSync, { params, body: { ...trial, settings } })}
      organizationId={organization.id}
    />
  )
}
