import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type Group, getGroupByName, updateGroup } from '@slipway/contract'
import { api } from '../api/client.ts'
import { PersonPicker, PickedPeople, type PickedPerson } from '../organizations/person-picker.tsx'
import { count } from '../organizations/role-words.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field } from '../ui/form.tsx'
import { groupTitle } from './group-words.ts'
import { refreshGroups } from './queries.ts'

/** Puts members of the organization into a group, all of them or none (WS-61). */
export function AddGroupMembersDialog({
  group,
  onClose,
}: {
  readonly group: Group
  readonly onClose: () => void
}) {
  const [people, setPeople] = useState<readonly PickedPerson[]>([])
  const roster = useQuery({
    queryKey: ['group', group.organization_id, group.name, 'roster'],
    queryFn: ({ signal }) =>
      api.call(getGroupByName, {
        params: { organization: group.organization_id, groupName: group.name },
        signal,
      }),
  })
  const inside = new Set(roster.data?.members.map(({ id }) => id))
  const add = useMutation({
    mutationFn: () =>
      api.call(updateGroup, { params: { group: group.id }, body: { add_users: people.map(({ id }) => id) } }),
    onSuccess: async () => {
      await refreshGroups(group.organization_id)
      onClose()
    },
  })
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Add members to ${groupTitle(group)}`}
      description="They get everything the group has access to at once."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            busy={add.isPending}
            disabled={people.length === 0}
            onClick={() => add.mutate()}
          >
            {people.length < 2 ? 'Add member' : `Add ${count(people.length, 'member')}`}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <ErrorNotice error={add.error} title="Nobody was added" />
        <Field label="Member" help={`Members of ${group.organization_display_name} only.`}>
          {(field) => (
            <PersonPicker
              field={{ ...field, required: undefined }}
              autoFocus
              organizationId={group.organization_id}
              refusal={({ id }) =>
                inside.has(id)
                  ? 'In the group'
                  : people.some((person) => person.id === id)
                    ? 'Chosen'
                    : undefined
              }
              onPick={(person) => setPeople([...people, person])}
            />
          )}
        </Field>
        <PickedPeople
          people={people}
          onRemove={(person) => setPeople(people.filter(({ id }) => id !== person.id))}
        />
      </div>
    </Dialog>
  )
}
