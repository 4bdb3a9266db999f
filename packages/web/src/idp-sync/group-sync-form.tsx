import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { explainGroupSync, type GroupSyncSettings, updateGroupSync } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { groupTitle, isEveryone } from '../groups/group-words.ts'
import { groupChoicesQuery } from '../groups/queries.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { Field, LabelledToggle, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { inOrder, type Mapping, sent } from './mapping.ts'
import { groupSyncQuery } from './queries.ts'
import { SyncForm } from './sync-form.tsx'
import { useKnownClaims } from './use-known-claims.ts'

/** Which groups of the organization a claim gives. */
export function GroupSyncForm({ stored }: { readonly stored: GroupSyncSettings }) {
  const { organization, may } = useOrganization()
  const params = { organization: organization.id }
  const [values, setValues] = useState<{ readonly field: string; readonly mapping: Mapping }>({
    field: stored.field,
    mapping: inOrder(stored.mapping),
  })
  const [filter, setFilter] = useState(stored.regex_filter ?? '')
  const [create, setCreate] = useState(stored.auto_create_missing_groups)
  const [legacy, setLegacy] = useState(stored.legacy_group_name_mapping ?? {})
  const groups = useQuery(groupChoicesQuery(organization.id))
  const known = useKnownClaims(values.field, organization.id)
  const locked = !may.editIdpSyncSettings
  const settings = {
    field: values.field.trim(),
    mapping: sent(values.mapping),
    regex_filter: filter === '' ? null : filter,
    auto_create_missing_groups: create,
    ...(Object.keys(legacy).length === 0 ? {} : { legacy_group_name_mapping: legacy }),
  }
  const save = useMutation({
    mutationFn: () => api.call(updateGroupSync, { params, body: settings }),
    onSuccess: (saved) => {
      queries.setQueryData(groupSyncQuery(organization.id).queryKey, saved)
      toasts.done('Group sync saved')
    },
  })
  return (
    <SyncForm
      what="group"
      about="Its values decide which groups a member is in, at every sign-in with OpenID Connect."
      otherwise="A value that is not mapped means the group of that name."
      values={values}
      onChange={setValues}
      targets={groups.data
        ?.filter((group) => !isEveryone(group))
        .map((group) => ({ id: group.id, label: groupTitle(group) }))}
      known={known}
      locked={locked}
      saving={save.isPending}
      error={save.error}
      onSave={() => save.mutate()}
      exported={{ file: `idp-sync-groups-${organization.name}.json`, settings }}
      explain={(trial) => api.call(explainGroupSync, { params, body: { ...trial, settings } })}
      organizationId={organization.id}
      more={
        <>
          <Field
            label="Only values that match"
            error={fieldError(save.error, 'regex_filter')}
            help="A regular expression (RE2 syntax), such as ^eng-. Leave empty to use every value."
          >
            {(field) => (
              <TextInput
                {...field}
                readOnly={locked}
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
                value={filter}
                onChange={(event) => setFilter(event.target.value)}
                className="max-w-80 font-mono [font-variant-ligatures:none]"
              />
            )}
          </Field>
          <LabelledToggle
            kind="switch"
            label="Create missing groups"
            help="Otherwise, values that name no group are ignored."
            checked={create}
            disabled={locked}
            onChange={setCreate}
          />
          {Object.keys(legacy).length === 0 ? null : (
            <Notice
              tone="info"
              title="Names from the server configuration apply, too"
              action={
                locked ? undefined : (
                  <button type="button" className="link text-sm" onClick={() => setLegacy({})}>
                    Leave them out
                  </button>
                )
              }
            >
              {Object.entries(legacy)
                .map(([given, name]) => `${given} is ${name}`)
                .join(', ')}
            </Notice>
          )}
        </>
      }
    />
  )
}
