import type { ToolCall } from './rows.ts'
import { argsOf, list, resultOf, text } from './tool-data.ts'

/** A question of the model with the answers that it offers. */
export interface Question {
  readonly header: string
  readonly question: string
  readonly options: readonly { readonly label: string; readonly description: string }[]
}

/** What was chosen: one of the options by its place, or words of one's own. */
export interface Choice {
  readonly option: number | 'other' | undefined
  readonly other: string
}

/** The questions of a call; those without text or options are left out. */
export function questionsOf(call: ToolCall): readonly Question[] {
  const asked = list(argsOf(call), 'questions')
  return (asked.length > 0 ? asked : list(resultOf(call), 'questions')).flatMap((one) => {
    const question = text(one, 'question')
    const options = list(one, 'options').flatMap((option) => {
      const label = text(option, 'label')
      return label === undefined ? [] : [{ label, description: text(option, 'description') ?? '' }]
    })
    return question === undefined ? [] : [{ header: text(one, 'header') ?? '', question, options }]
  })
}

/** The message that answers all questions; undefined while one is open. */
export function answerText(questions: readonly Question[], choices: readonly Choice[]): string | undefined {
  const answers = questions.map((question, index) => {
    const choice = choices[index]
    if (choice?.option === undefined) return undefined
    const answer = choice.option === 'other' ? choice.other.trim() : question.options[choice.option]?.label
    return answer === undefined || answer === '' ? undefined : { question, answer }
  })
  const known = answers.filter((answer) => answer !== undefined)
  if (known.length < questions.length || known.length === 0) return undefined
  const [only] = known
  if (known.length === 1 && only !== undefined) return only.answer
  return known.map(({ question, answer }) => `${question.question}\n${answer}`).join('\n\n')
}
