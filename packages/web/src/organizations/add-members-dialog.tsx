import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { addMember } from '@slipway/contract'
import { api } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field } from '../ui/form.tsx'
import { toasts } from '../ui/toast.tsx'
import { useOrganization } from './organization-context.ts'
import { organizationTitle } from './organization-titles.ts'
import { PersonPicker, PickedPeople, type PickedPerson } from './person-picker.tsx'
import { count } from './role-words.ts'

/** Makes users of the deployment members of the organization (WS-47). */
export function AddMembersDialog({
  onClose,
  onDone,
}: {
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const { organization } = useOrganization()
  const [people, setPeople] = useState<readonly PickedPerson[]>([])
  const [failed, setFailed] = useState<string>()
  const add = useMutation({
    mutationFn: async () => {
      // Each by itself: those before one that is refused are members then, and leave the list.
      for (const person of people) {
        setFailed(person.username)
        await api.call(addMember, { params: { organization: organization.id, user: person.id } })
        setPeople((left) => left.filter(({ id }) => id !== person.id))
      }
    },
    onSettled: onDone,
    onSuccess: () => {
      onClose()
      toasts.done(
        people.length === 1
          ? `${people[0]?.username} is now a member`
          : `${count(people.length, 'member')} added`,
      )
    },
  })
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add members"
      description={`They get the roles that every member of ${organizationTitle(organization)} has. You can give them more afterwards.`}
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
        <ErrorNotice
          error={add.error}
          title={failed === undefined ? 'Nobody was added' : `${failed} was not added`}
        />
        <Field label="User" help="Only accounts that you may see are found.">
          {(field) => (
            <PersonPicker
              field={{ ...field, required: undefined }}
              autoFocus
              refusal={({ id, organization_ids = [] }) =>
                organization_ids.includes(organization.id)
                  ? 'Already a member'
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
