-- No row means that the model is exact.
DO $$
DECLARE
	differences bigint;
BEGIN
	SELECT count(*) INTO differences FROM personalize.verify('shop.together');
	IF differences > 0 THEN
		RAISE EXCEPTION 'verify finds % differences', differences;
	END IF;
END $$;
