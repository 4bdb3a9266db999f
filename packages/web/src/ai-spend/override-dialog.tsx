import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'

import { upsertUserAIBudgetOverride } from '@slipway/contract'
import { AmountField } from '../ai-gateway/fields.tsx'
import { amountFault, amountText, parseAmount } from '../ai-gateway/money.ts'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select } from '../ui/form.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { refreshBudgets } from './queries.ts'

/** A budget of one user's own, in the place of those of their groups (AG-115). */
export function OverrideDialog({
  user,
  groups,
  present,
  onClose,
}: {
  readonly user: { readonly id: string; readonly username: string }
  /** Groups of the user that can bear it. */
  readonly groups: readonly { readonly id: string; readonly label: string }[]
  readonly present: { readonly group_id: string; readonly spend_limit_micros: number } | null
  readonly onClose: () => void
}) {
  const id = useId()
  const online = useOnline()
  const [group, setGroup] = useState(present?.group_id ?? groups[0]?.id ?? '')
  const [amount, setAmount] = useState(amountText(present?.spend_limit_micros ?? null))
  const [attempted, setAttempted] = useState(false)
  const fault = amountFault(amount, true)
  const save = useMutation({
    mutationFn: (spend_limit_micros: number) =>
      api.call(upsertUserAIBudgetOverride, {
        params: { user: user.id },
        body: { group_id: group, spend_limit_micros },
      }),
    onSuccess: async () => {
      await refreshBudgets()
      toasts.done(`The budget of ${user.username} was saved`)
      onClose()
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    const micros = parseAmount(amount)
    if (fault !== undefined || micros === undefined)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!save.isPending) save.mutate(micros)
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Own budget of ${user.username}`}
      description="It replaces the budgets of their groups until it is removed or they leave the group that it is charged to."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} tone="primary" busy={save.isPending} disabled={!online}>
            Save budget
          </Button>
        </>
      }
    >
      <form ref={form} id={id} onSubmit={submit} noValidate className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The budget was not saved" />
        <AmountField
          label="They may spend"
          autoFocus
          help="In each budget period; 0 blocks everything."
          value={amount}
          error={(attempted ? fault : undefined) ?? fieldError(save.error, 'spend_limit_micros')}
          onChange={setAmount}
        />
        {groups.length < 2 ? null : (
          <Field
            label="Charged to"
            help="The group whose spend it counts toward."
            error={fieldError(save.error, 'group_id')}
          >
            {(field) => (
              <Select
                {...field}
                value={group}
                options={groups.map(({ id: value, label }) => ({ value, label }))}
                onChange={(event) => setGroup(event.target.value)}
              />
            )}
          </Field>
        )}
      </form>
    </Dialog>
  )
}
