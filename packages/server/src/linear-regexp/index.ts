export { LinearRegExp, StepBudget, StepBudgetExceeded } from './linear-regexp.ts'
export { RegExpSyntaxError } from './syntax.ts'
