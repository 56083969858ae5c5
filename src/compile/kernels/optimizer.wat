;; The optimiser's inner loops, four numbers at a time. All pointers are byte offsets, 16-byte aligned;
;; $bytes is a multiple of 16. Sources and destinations may be the same.
(module
  (import "env" "memory" (memory 1))

  ;; One step of Adam over a flat group:
  ;;   m' = b1 m + gain1 g;  v' = b2 v + gain2 g^2;  p' = p - stepSize m' / (sqrt(v' vScale) + eps)
  ;; with gain = 1 - b, not computed here because 1 - 0.999 in float32 is off by 5e-5,
  ;; stepSize = rate / (1 - b1^t) and vScale = 1 / (1 - b2^t).
  ;; Returns the sum of g^2, which is not finite if any g is not.
  ;;
  ;; Gradients up to 1e-16 and moments that have decayed to 1e-30 and 1e-37 count as zero: left alone, the
  ;; moments of a unit that is off sink into the denormal numbers, where arithmetic is many times slower on
  ;; some processors. NaN is not below anything, so it stays.
  (func (export "adam")
    (param $bytes i32) (param $g i32)
    (param $p i32) (param $m i32) (param $v i32)
    (param $p2 i32) (param $m2 i32) (param $v2 i32)
    (param $b1 f32) (param $gain1 f32) (param $b2 f32) (param $gain2 f32)
    (param $stepSize f32) (param $vScale f32) (param $eps f32)
    (result f32)
    (local $i i32)
    (local $grad v128) (local $first v128) (local $second v128) (local $sum v128)
    (local $decay1 v128) (local $share1 v128) (local $decay2 v128) (local $share2 v128)
    (local $rate v128) (local $scale v128) (local $floor v128)
    (local $least v128) (local $least1 v128) (local $least2 v128)
    (local.set $least (f32x4.splat (f32.const 1e-16)))
    (local.set $least1 (f32x4.splat (f32.const 1e-30)))
    (local.set $least2 (f32x4.splat (f32.const 1e-37)))
    (local.set $decay1 (f32x4.splat (local.get $b1)))
    (local.set $share1 (f32x4.splat (local.get $gain1)))
    (local.set $decay2 (f32x4.splat (local.get $b2)))
    (local.set $share2 (f32x4.splat (local.get $gain2)))
    (local.set $rate (f32x4.splat (local.get $stepSize)))
    (local.set $scale (f32x4.splat (local.get $vScale)))
    (local.set $floor (f32x4.splat (local.get $eps)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $bytes)))
        (local.set $grad (v128.load (i32.add (local.get $g) (local.get $i))))
        (local.set $grad
          (v128.andnot
            (local.get $grad)
            (f32x4.le (f32x4.abs (local.get $grad)) (local.get $least))))
        (local.set $first
          (f32x4.add
            (f32x4.mul (local.get $decay1) (v128.load (i32.add (local.get $m) (local.get $i))))
            (f32x4.mul (local.get $share1) (local.get $grad))))
        (local.set $first
          (v128.andnot
            (local.get $first)
            (f32x4.le (f32x4.abs (local.get $first)) (local.get $least1))))
        (v128.store (i32.add (local.get $m2) (local.get $i)) (local.get $first))
        (local.set $grad (f32x4.mul (local.get $grad) (local.get $grad)))
        (local.set $sum (f32x4.add (local.get $sum) (local.get $grad)))
        (local.set $second
          (f32x4.add
            (f32x4.mul (local.get $decay2) (v128.load (i32.add (local.get $v) (local.get $i))))
            (f32x4.mul (local.get $share2) (local.get $grad))))
        (local.set $second
          (v128.andnot (local.get $second) (f32x4.le (local.get $second) (local.get $least2))))
        (v128.store (i32.add (local.get $v2) (local.get $i)) (local.get $second))
        (v128.store
          (i32.add (local.get $p2) (local.get $i))
          (f32x4.sub
            (v128.load (i32.add (local.get $p) (local.get $i)))
            (f32x4.div
              (f32x4.mul (local.get $rate) (local.get $first))
              (f32x4.add
                (f32x4.sqrt (f32x4.mul (local.get $second) (local.get $scale)))
                (local.get $floor)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br $next)))
    (f32.add
      (f32.add
        (f32x4.extract_lane 0 (local.get $sum))
        (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add
        (f32x4.extract_lane 2 (local.get $sum))
        (f32x4.extract_lane 3 (local.get $sum)))))

  ;; out = tau source + keep target, with keep = 1 - tau.
  (func (export "polyak")
    (param $bytes i32) (param $source i32) (param $target i32) (param $out i32)
    (param $tau f32) (param $keep f32)
    (local $i i32) (local $share v128) (local $rest v128)
    (local.set $share (f32x4.splat (local.get $tau)))
    (local.set $rest (f32x4.splat (local.get $keep)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $bytes)))
        (v128.store
          (i32.add (local.get $out) (local.get $i))
          (f32x4.add
            (f32x4.mul (local.get $share) (v128.load (i32.add (local.get $source) (local.get $i))))
            (f32x4.mul (local.get $rest) (v128.load (i32.add (local.get $target) (local.get $i))))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br $next)))))
