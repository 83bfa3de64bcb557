import { createParamDecorator, Injectable, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { Admission, type Call } from './admit.js';
import type { Asked } from './asked.js';
import { grpcCall } from './grpc/call.js';
import { httpCall } from './http/call.js';
import type { OperationClass } from './operation.js';

interface Arrived {
  type: OperationClass;
  call: Call;
}

/** Turns what arrived into an admitted call; refusals are thrown and translated by the one failure filter. */
@Injectable()
export class AdmissionPipe implements PipeTransform<Arrived, Promise<Asked<object>>> {
  constructor(private readonly admission: Admission) {}

  transform({ type, call }: Arrived): Promise<Asked<object>> {
    return this.admission.admit(type, call);
  }
}

const arrived = createParamDecorator((type: OperationClass, context: ExecutionContext): Arrived => {
  const call =
    context.getType() === 'http'
      ? httpCall(type, context.switchToHttp().getRequest())
      : grpcCall(context.getArgByIndex(0), context.getArgByIndex(1), context.getArgByIndex(2));
  return { type, call };
});

/** The admitted call of an HTTP or gRPC method: path, query and body in one, or the request message. */
export const Input = (type: OperationClass): ParameterDecorator => arrived(type, AdmissionPipe);
