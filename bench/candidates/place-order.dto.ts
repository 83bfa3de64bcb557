import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsEmail,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

export class LineDto {
  @IsString() @Length(1, 64) sku!: string;
  @IsInt() @Min(1) @Max(10_000) quantity!: number;
}

/** The body of POST /v1/orders, as a Nest application validates it. */
export class PlaceOrderDto {
  @IsString() @Length(1, 128) customerId!: string;
  @IsEmail() email!: string;
  @IsString() @Length(3, 3) currency!: string;
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(100) @ValidateNested({ each: true }) @Type(() => LineDto) lines!: LineDto[];
  @IsString() @Length(1, 64) paymentMethod!: string;
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}
