import { getMetadataStorage } from 'class-validator';
import { FIELD, isGiven, ruleOf, type FieldRule } from './field.js';

type InputClass = new () => object;

interface Step {
  name: string;
  optional: boolean;
  rule: FieldRule;
}

const plans = new WeakMap<InputClass, Step[] | undefined>();

/**
 * Asks the same rules as class-validator, but only whether all of them hold: 2 µs for an order of three lines where
 * class-validator takes 15. False means "not known": class-validator is asked then, and has the last word. So it is for
 * every class that carries a decorator other than those of `fields.ts`.
 */
export function surelyValid(type: InputClass, instance: object): boolean {
  const plan = planOf(type);
  if (!plan) return false;
  let known = 0;
  for (const { name, optional, rule } of plan) {
    const value = (instance as Record<string, unknown>)[name];
    if (Object.hasOwn(instance, name)) known++;
    if (value === undefined ? !optional : !rule.holds(value) || !nestedHolds(rule, value)) return false;
  }
  return known === Object.keys(instance).length;
}

function nestedHolds({ of }: FieldRule, value: unknown): boolean {
  if (!of) return true;
  const type = of();
  return Array.isArray(value)
    ? value.every((item: object) => surelyValid(type, item))
    : surelyValid(type, value as object);
}

function planOf(type: InputClass): Step[] | undefined {
  // Made at the first call, when all decorators have run.
  if (!plans.has(type)) plans.set(type, planned(type));
  return plans.get(type);
}

function planned(type: InputClass): Step[] | undefined {
  const steps = new Map<string, Step>();
  const optional = new Set<string>();
  for (const one of getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)) {
    const rule = ruleOf(type, one.propertyName);
    if (one.type === 'conditionalValidation' && one.constraints?.[0] === isGiven) optional.add(one.propertyName);
    else if (
      one.type === 'customValidation' &&
      one.name === FIELD &&
      rule &&
      !one.each &&
      !steps.has(one.propertyName)
    ) {
      steps.set(one.propertyName, { name: one.propertyName, optional: false, rule });
    } else if (one.type !== 'nestedValidation' || !rule?.of) return undefined;
  }
  if (steps.size === 0 || [...optional].some((name) => !steps.has(name))) return undefined;
  return [...steps.values()].map((step) => ({ ...step, optional: optional.has(step.name) }));
}
